// npm run soak: kills backups and restores with -9 at many random moments. Optional arguments: how often, which seed.
import { spawnSync } from "node:child_process";
import { ensure, postgresql, programNeed } from "./ensure.ts";

ensure([postgresql, programNeed("setpriv", "util-linux")]);
const [kills = "30", seed = String(Date.now() % 1_000_000)] = process.argv.slice(2);
process.stderr.write(`${kills} kills each, seed ${seed}\n`);
const result = spawnSync(process.execPath, ["node_modules/vitest/vitest.mjs", "run", "test/e2e/kill.test.ts"], {
  stdio: "inherit",
  env: { ...process.env, PGRESCUE_KILLS: kills, PGRESCUE_SEED: seed },
});
process.exitCode = result.status ?? 1;
