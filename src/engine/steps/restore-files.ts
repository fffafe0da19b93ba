import { PgrescueError } from "../../domain/errors.ts";
import type { RecoveryInputs } from "../../domain/plan.ts";
import type { BackupReader } from "../../ports/repository.ts";
import type { StepContext, StepKind } from "../step.ts";
import { ownMark, restoreIntent, writeOwnMark } from "./own-mark.ts";
import { recoveryInputs } from "./recovery-inputs.ts";
import { logged } from "./signals.ts";

/** Opens the run's recovery point: a clone's backups have the same system identifier and may have the same id. Throws `no-recovery-point` when the repository does not offer it any more. */
export async function openPoint(inputs: RecoveryInputs, ctx: StepContext): Promise<BackupReader> {
  const repository = await ctx.world.repository(inputs.repository);
  for await (const point of repository.points({ cluster: inputs.cluster, systemIdentifier: inputs.systemIdentifier })) {
    if (point.id === inputs.point) return repository.openBackup(point);
  }
  throw new PgrescueError("no-recovery-point", `${inputs.repository} has no point ${inputs.point}`);
}

/** A file that keeps every supported PostgreSQL from starting; recovery.configure takes it away last. */
export const startGuardName = "recovery.conf";
const startGuard =
  "# Written by pgrescue: these files are restored, but not configured yet, and must not be started. Run `pgrescue continue`.\n";

/**
 * Writes the backup's files to the target; global/pg_control comes last, so that a cut-off restore cannot start. Nor can a
 * whole one before it is configured, by a reboot or by hand: PostgreSQL 12 and later refuses a recovery.conf. A
 * recovery.signal alone would not do: a configuration with a restore_command of its own would recover, and promote.
 */
export const step: StepKind<Record<string, never>> = {
  name: "restore.files",
  risk: "scratch",
  parse: () => ({}),
  describe(_p, raw) {
    const inputs = recoveryInputs(raw);
    const spaces = Object.entries(inputs.tablespaces).map(([oid, to]) => `tablespace ${oid} to ${to}`);
    return {
      text: [`write the files of ${inputs.point} to ${inputs.dataDirectory}`, ...spaces].join("\n"),
      commands: [],
    };
  },
  async probe(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    const { kind } = await ctx.world.postgres.inspect(inputs.dataDirectory);
    if (kind === "cluster" && (await ownMark(inputs.dataDirectory, ctx)) === "this-run") return "done";
    return kind === "missing" || kind === "empty" || !(await restoreIntent(inputs, ctx)) ? "absent" : "partial";
  },
  async *run(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    const { dataDirectory, tablespaces } = inputs;
    const { kind } = await ctx.world.postgres.inspect(dataDirectory);
    const begun = await restoreIntent(inputs, ctx);
    if ((kind === "cluster" && !begun) || kind === "other-files") {
      throw new PgrescueError("precondition-refused", `${dataDirectory} holds files that this run did not write`, {
        next: "Choose another directory, or move what is there aside, and continue.",
      });
    }
    // A directory that only this run has written since it was empty, complete but for our mark.
    if (kind !== "cluster") {
      await restoreIntent(inputs, ctx, "write");
      const reader = await openPoint(inputs, ctx);
      const beforeControl = (): Promise<void> =>
        ctx.world.files.write(`${dataDirectory}/${startGuardName}`, startGuard);
      for await (const progress of reader.restore({ dataDirectory, tablespaces, beforeControl, signal: ctx.signal })) {
        yield { signal: "progress", ...progress };
      }
    }
    await writeOwnMark(inputs, ctx);
    yield logged(`${inputs.point} is in ${dataDirectory}`);
  },
};
