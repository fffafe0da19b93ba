import { execFileSync } from "node:child_process";

/** Tests of the command line run what users run: the bundle, built afresh. */
export function setup(): void {
  if (process.env["PGRESCUE_TEST_KEEP_BUILD"] === "1") return;
  execFileSync(process.execPath, ["scripts/build.ts"], { stdio: "inherit" });
}
