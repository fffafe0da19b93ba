// npm test: installs what is missing, then runs every test on real parts.
import { spawnSync } from "node:child_process";
import { ensure, postgresql, programNeed } from "./ensure.ts";

ensure([postgresql, programNeed("zstd"), programNeed("tmux"), programNeed("setpriv", "util-linux")]);
const result = spawnSync(process.execPath, ["node_modules/vitest/vitest.mjs", "run", ...process.argv.slice(2)], {
  stdio: "inherit",
});
process.exitCode = result.status ?? 1;
