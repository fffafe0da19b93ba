// Compares pgrescue with its peers on this machine, side by side in one run:
//   npm run bench -- [--scale 130] [--rounds 3] [--files 200000] [--only backup,restore,dump,wal,queue,latency,stores,console,files] [--directory DIR] [--json]
import { spawnSync } from "node:child_process";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cephNeeds } from "../scripts/ceph-gateway.ts";
import { ensure, postgresql, programNeed } from "../scripts/ensure.ts";
import { postgresBin } from "../test/support/server.ts";
import { backupComparisons } from "./backups.ts";
import { compare, type Row } from "./compare.ts";
import { dumpComparisons } from "./dumps.ts";
import { firstFrame } from "./first-frame.ts";
import { manyFiles } from "./many-files.ts";
import { restoreComparison } from "./restores.ts";
import { benchAzure, benchS3, transferComparisons } from "./stores.ts";
import { table } from "./table.ts";
import { queueComparisons } from "./wal-queue.ts";
import { walOverLatency } from "./wal-latency.ts";
import { walComparisons } from "./wal.ts";
import { createBenchWorld } from "./world.ts";

const { values } = parseArgs({
  options: {
    scale: { type: "string", default: "130" },
    rounds: { type: "string", default: "3" },
    files: { type: "string", default: "200000" },
    only: { type: "string", default: "backup,restore,dump,wal,queue,latency,stores,console,files" },
    directory: { type: "string", default: tmpdir() },
    json: { type: "boolean", default: false },
  },
});
const [scale, rounds, files] = [Number(values.scale), Number(values.rounds), Number(values.files)];
const parts = new Set(values.only.split(","));

ensure([
  postgresql,
  programNeed("pgbackrest"),
  programNeed("script", "bsdutils"),
  ...(parts.has("stores") || parts.has("latency") ? [...cephNeeds, programNeed("openssl")] : []),
]);
const built = spawnSync(process.execPath, [join(import.meta.dirname, "..", "scripts", "build.ts")], {
  stdio: "inherit",
});
if (built.status !== 0) throw new Error("the program cannot be built");

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const directory = await realpath(await mkdtemp(join(values.directory, "pgrescue-bench-")));
say(`working below ${directory}, load ${loadavg()[0]?.toFixed(1)}`);
const world = await createBenchWorld(directory, postgresBin(), scale);
const rows: Row[] = [];
const add = (found: readonly Row[]): void => {
  rows.push(...found);
  for (const row of found) say(table([row]).split("\n").at(-1) ?? "");
};
try {
  // First of all: its segments are those of the load, which later ones push out of pg_wal.
  if (parts.has("wal")) for (const comparison of await walComparisons(world, 9)) add(await compare(comparison));
  if (parts.has("queue"))
    for (const comparison of await queueComparisons(world, rounds)) add(await compare(comparison));
  if (parts.has("latency")) {
    await using store = await benchS3(join(directory, "S3"));
    await using bench = await walOverLatency(world, store);
    for (const comparison of bench.comparisons) add(await compare(comparison));
  }
  if (parts.has("backup") || parts.has("restore"))
    for (const comparison of backupComparisons(world, parts.has("backup") ? rounds : 1)) add(await compare(comparison));
  if (parts.has("restore")) add(await compare(await restoreComparison(world, rounds)));
  if (parts.has("dump")) for (const comparison of dumpComparisons(world, rounds)) add(await compare(comparison));
  if (parts.has("stores"))
    for (const open of [benchS3, benchAzure]) {
      await using store = await open(join(directory, open.name));
      for (const comparison of await transferComparisons(world, store, rounds)) add(await compare(comparison));
    }
  if (parts.has("console")) add([await firstFrame(world, 5)]);
  if (parts.has("files")) add(await manyFiles(world, files));
} finally {
  await world.server.stop("immediate").catch(() => undefined);
  await rm(directory, { recursive: true, force: true });
}
if (values.json) {
  const machine = { processor: cpus()[0]?.model ?? "", cores: cpus().length, node: process.version, scale, rounds };
  process.stdout.write(`${JSON.stringify({ schema: "pgrescue.bench/v1", machine, rows }, null, 2)}\n`);
} else {
  process.stdout.write(`${table(rows)}\n`);
}
if (rows.some((row) => !row.met)) process.exitCode = 1;
