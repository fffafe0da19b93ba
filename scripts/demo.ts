// npm run demo: installs what is missing, then plays a recovery on a throwaway server.
import { spawnSync } from "node:child_process";
import { ensure, postgresql, programNeed } from "./ensure.ts";

ensure([postgresql, programNeed("setpriv", "util-linux")]);
const result = spawnSync(process.execPath, ["bin/pgrescue.js", "demo", ...process.argv.slice(2)], { stdio: "inherit" });
process.exitCode = result.status ?? 1;
