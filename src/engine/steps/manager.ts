import { PgrescueError } from "../../domain/errors.ts";
import type { RecoveryInputs } from "../../domain/plan.ts";
import type { ControlFinding, ControlRequest, DataDirectory, ServerControl } from "../../ports/postgres.ts";
import type { StepContext } from "../step.ts";
import { majorOf, siteOf } from "./recovery-inputs.ts";

/** Who manages the server in production's place, or why it must not be touched. */
export function findManager(
  inputs: RecoveryInputs,
  ctx: StepContext,
  directory: DataDirectory,
): Promise<ControlFinding> {
  const request = (siteOf(inputs).control ?? { kind: "auto" }) as ControlRequest;
  return ctx.world.postgres.serverControl(directory, majorOf(inputs), request);
}

/** The manager's commands. Throws `precondition-refused` where the manager would undo what we do. */
export async function managerOf(inputs: RecoveryInputs, ctx: StepContext): Promise<ServerControl> {
  const found = await findManager(inputs, ctx, await ctx.world.postgres.inspect(inputs.dataDirectory));
  if (found.kind === "control") return found.control;
  throw new PgrescueError("precondition-refused", found.message, { next: found.next });
}
