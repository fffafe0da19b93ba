import { PgrescueError } from "../../domain/errors.ts";
import type { RecoveryInputs } from "../../domain/plan.ts";
import type { BackupReader } from "../../ports/repository.ts";
import type { StepContext, StepKind, StepSignal } from "../step.ts";
import { ownMark, restoreIntent, writeOwnMark } from "./own-mark.ts";
import { recoveryInputs, repositoriesOf } from "./recovery-inputs.ts";
import { logged } from "./signals.ts";

/**
 * Opens the run's recovery point: a clone's backups have the same system identifier and may have the same id. Where its
 * repository fails, the cluster's others are asked for a copy. Throws the first failure, or `no-recovery-point` when no
 * repository offers it any more.
 */
export async function openPoint(inputs: RecoveryInputs, ctx: StepContext): Promise<BackupReader> {
  let failure: unknown = null;
  for (const name of repositoriesOf(inputs)) {
    try {
      const reader = await openIn(name, inputs, ctx);
      if (reader !== null) return reader;
    } catch (error) {
      if (!isOfThePlace(error)) throw error;
      failure ??= error;
    }
  }
  throw failure ?? new PgrescueError("no-recovery-point", `${inputs.repository} has no point ${inputs.point}`);
}

async function openIn(name: string, inputs: RecoveryInputs, ctx: StepContext): Promise<BackupReader | null> {
  const repository = await ctx.world.repository(name);
  const { cluster, systemIdentifier } = inputs;
  for await (const point of repository.points({ cluster, systemIdentifier })) {
    if (point.id === inputs.point && point.status !== "incomplete") return repository.openBackup(point);
  }
  return null;
}

/** Whether another place may do better: what is wrong lies in the storage, or in what is stored there. */
function isOfThePlace(error: unknown): error is PgrescueError {
  const codes: readonly string[] = ["store-failure", "repository-not-found", "damaged-data", "credentials"];
  return error instanceof PgrescueError && codes.includes(error.code);
}

/** Restores from the first place that can; where one fails in the middle the next goes on with what is written. */
async function* restoreFromAnywhere(inputs: RecoveryInputs, ctx: StepContext): AsyncGenerator<StepSignal> {
  const { dataDirectory, tablespaces } = inputs;
  const beforeControl = (): Promise<void> => ctx.world.files.write(`${dataDirectory}/${startGuardName}`, startGuard);
  const failures: PgrescueError[] = [];
  for (const name of repositoriesOf(inputs)) {
    try {
      const reader = await openIn(name, inputs, ctx);
      if (reader === null) continue;
      if (failures.length > 0) yield logged(`going on from ${name}, which has a copy of ${inputs.point}`, "warn");
      for await (const progress of reader.restore({ dataDirectory, tablespaces, beforeControl, signal: ctx.signal }))
        yield { signal: "progress", ...progress };
      return;
    } catch (error) {
      if (ctx.signal.aborted || !isOfThePlace(error)) throw error;
      failures.push(error);
      yield logged(`${name} failed: ${error.message}`, "warn");
    }
  }
  throw failures[0] ?? new PgrescueError("no-recovery-point", `${inputs.repository} has no point ${inputs.point}`);
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
    const { dataDirectory } = inputs;
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
      yield* restoreFromAnywhere(inputs, ctx);
    }
    await writeOwnMark(inputs, ctx);
    yield logged(`${inputs.point} is in ${dataDirectory}`);
  },
};
