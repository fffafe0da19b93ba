import { restoreMarker } from "../../domain/restore-marker.ts";
import { PgrescueError } from "../../domain/errors.ts";
import type { RecoveryInputs } from "../../domain/plan.ts";
import { isNoContent } from "../../domain/set-aside.ts";
import type { StepContext, StepKind } from "../step.ts";
import { installationFor } from "./own-server.ts";
import { ownMarkName } from "./own-mark.ts";
import { hasRecorded } from "./recorded.ts";
import { majorOf, recoveryInputs } from "./recovery-inputs.ts";
import { openPoint, startGuardName } from "./restore-files.ts";
import { judged, recorded, verdict } from "./signals.ts";

const name = "verified-manifest";
const title = "every file as in the manifest";

/** Files that only one of manifest and restored directory has: our marks, and the map that restore replaces by links. */
const ours = [ownMarkName, restoreMarker, startGuardName, "tablespace_map"];

/** What a server leaves that was started at boot before it was configured, and refused to. */
const ofRefusedStarts = ["postmaster.opts", "postmaster.pid", "current_logfiles", "log"];

/** pg_verifybackup on the restored files, before the first start changes any of them. WAL is checked where it is replayed. */
export const step: StepKind<Record<string, never>> = {
  name: "verify.manifest",
  risk: "read",
  parse: () => ({}),
  describe(_p, raw) {
    const inputs = recoveryInputs(raw);
    return {
      text: `compare every restored file with the backup's manifest`,
      commands: [["pg_verifybackup", "--no-parse-wal", inputs.dataDirectory]],
    };
  },
  async probe(_p, ctx) {
    return hasRecorded(ctx, name);
  },
  async *run(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    if (majorOf(inputs) < 13) {
      yield judged(verdict(name, title, "skip", "pg_verifybackup came with PostgreSQL 13", { rung: "bytes" }));
      yield recorded(name, "skip");
      return;
    }
    const manifest = await (await openPoint(inputs, ctx)).manifest();
    if (manifest === null) {
      yield judged(verdict(name, title, "skip", "the backup has no manifest", { rung: "bytes" }));
      yield recorded(name, "skip");
      return;
    }
    const file = `${ctx.directory}/backup_manifest`;
    await ctx.world.files.write(file, manifest);
    const { bin } = await installationFor(inputs, ctx);
    const ignored = [...ours, ...ofRefusedStarts, ...(await noContent(inputs, ctx))].flatMap((path) => [
      "--ignore",
      path,
    ]);
    const argv = [
      `${bin}/pg_verifybackup`,
      "--no-parse-wal",
      "--manifest-path",
      file,
      ...ignored,
      inputs.dataDirectory,
    ];
    yield { signal: "progress", done: 0, total: null, unit: "files", doing: "comparing files with the manifest" };
    const result = await ctx.command(argv, { mayFail: true, signal: ctx.signal });
    if (result.exit !== 0) {
      const lines = result.stderr.trim().split("\n");
      const evidence = `${lines.length} complaints, the first: ${lines[0] ?? ""}`;
      const mend = "Check the disk that was restored to, then restore again; or take another point.";
      yield judged(verdict(name, title, "fail", evidence, { rung: "bytes", mend }));
      throw new PgrescueError("verification-failed", `pg_verifybackup: ${lines[0] ?? `exit ${result.exit}`}`, {
        next: mend,
      });
    }
    yield judged(verdict(name, title, "pass", "pg_verifybackup finds no difference", { rung: "bytes" }));
    yield recorded(name, "pass");
  },
};

/** What lies in the restored directories without being content of theirs, by paths as the manifest has them. */
async function noContent(inputs: RecoveryInputs, ctx: StepContext): Promise<readonly string[]> {
  const found: string[] = [];
  for (const below of ["", ...Object.keys(inputs.tablespaces).map((oid) => `pg_tblspc/${oid}/`)]) {
    const names = (await ctx.world.files.list(`${inputs.dataDirectory}/${below}`)) ?? [];
    found.push(...names.filter(isNoContent).map((name) => `${below}${name}`));
  }
  return found;
}
