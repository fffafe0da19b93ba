// npm test: installs what is missing, then runs every test on real parts and closes with the counts.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { cephNeeds } from "./ceph-gateway.ts";
import { ensure, postgresql, programNeed } from "./ensure.ts";

/** vitest's JSON report, as far as it is read here. */
interface TestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
}

const report = ".cache/tests.json";

ensure([
  postgresql,
  programNeed("zstd"),
  programNeed("tmux"),
  programNeed("age"),
  programNeed("lz4"),
  programNeed("setpriv", "util-linux"),
  ...cephNeeds,
]);
mkdirSync(".cache", { recursive: true });
rmSync(report, { force: true });
const result = spawnSync(
  process.execPath,
  [
    "node_modules/vitest/vitest.mjs",
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
  { stdio: "inherit" },
);
process.exitCode = result.status ?? 1;
try {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(
    readFileSync(report, "utf8"),
  ) as TestReport;
  const counts = `${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests + numTodoTests} skipped`;
  process.stdout.write(`\n${counts}\n`);
} catch {
  process.stdout.write("\nthe tests ended without a report\n");
  process.exitCode = 1;
}
