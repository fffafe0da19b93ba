import { PgrescueError } from "../../domain/errors.ts";
import type { StepKind } from "../step.ts";
import { ownServerRuns, recoveryState, stopOwnServer, withOwnSession } from "./own-server-run.ts";
import { isOwnOrNone } from "./production.ts";
import { recoveryInputs } from "./recovery-inputs.ts";
import { logged } from "./signals.ts";

/** Stops the fenced server that this run started, cleanly, once it has ended recovery. */
export const step: StepKind<Record<string, never>> = {
  name: "fence.remove",
  risk: "production",
  // Going on after a reboot, replay brings the fenced server up again as long as the fence is in the configuration.
  volatile: true,
  parse: () => ({}),
  describe(_p, raw) {
    const inputs = recoveryInputs(raw);
    return {
      text: `stop the fenced server on ${inputs.dataDirectory}`,
      commands: [["pg_ctl", "stop", "-D", inputs.dataDirectory]],
    };
  },
  async probe(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    const { postmaster } = await ctx.world.postgres.inspect(inputs.dataDirectory);
    return postmaster === null || !(await isOwnOrNone(inputs, ctx)) ? "done" : "absent";
  },
  async *run(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    if (await ownServerRuns(inputs, ctx)) {
      const state = await withOwnSession(inputs, ctx, (sql) => recoveryState(sql, inputs));
      if (state !== "promoted")
        throw new PgrescueError("precondition-refused", "the fenced server is still in recovery; promote it first");
    }
    await stopOwnServer(inputs, ctx);
    yield logged("the fenced server is stopped");
  },
};
