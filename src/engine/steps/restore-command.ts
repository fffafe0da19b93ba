import type { RecoveryInputs } from "../../domain/plan.ts";
import type { StepContext } from "../step.ts";
import { repositoriesOf } from "./recovery-inputs.ts";
import { savedWalDirectory } from "./saved-wal.ts";

/** Writes what restore_command reads, with the places of saved WAL as they are now, and gives its value: always the same. */
export async function prepareRestoreCommand(inputs: RecoveryInputs, ctx: StepContext): Promise<string> {
  const { restoreCommand } = await ctx.world.recoveryWal.prepare({
    cluster: inputs.cluster,
    systemIdentifier: inputs.systemIdentifier,
    repositories: repositoriesOf(inputs),
    point: inputs.point,
    dataDirectory: inputs.dataDirectory,
    postgresVersion: inputs.postgresVersion,
    segmentSize: inputs.segmentSize,
    timeline: inputs.target.timeline,
    savedWal: await savedWalDirectory(inputs, ctx),
  });
  return restoreCommand;
}
