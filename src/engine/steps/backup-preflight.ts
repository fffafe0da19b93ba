import type { StepKind } from "../step.ts";
import {
  backupRequest,
  parseBackupParameters,
  pointOfRun,
  requestOf,
  type BackupParameters,
} from "./backup-parameters.ts";
import { toldBefore } from "./signals.ts";

/** Looks at server, archiving and repository before a backup; refuses only where the backup could not succeed. */
export const step: StepKind<BackupParameters> = {
  name: "backup.preflight",
  risk: "read",
  parse: parseBackupParameters,
  describe(p, inputs) {
    const { cluster, repository } = backupRequest(p, inputs);
    return {
      text: `ask the server of ${cluster} and repository ${repository} whether a backup can be taken; nothing is changed`,
      commands: [],
    };
  },
  async probe(p, ctx) {
    // A backup that exists needs no permission any more.
    return (await pointOfRun(p, ctx).catch(() => null)) === null ? "absent" : "done";
  },
  async *run(p, ctx) {
    yield* toldBefore(await ctx.world.backups.examine(requestOf(p, ctx), ctx.signal));
  },
};
