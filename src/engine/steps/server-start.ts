import { PgrescueError } from "../../domain/errors.ts";
import type { StepKind } from "../step.ts";
import { managerOf } from "./manager.ts";
import { isOwnOrNone } from "./production.ts";
import { recordedNames, serverAt } from "./recorded.ts";
import { recoveryInputs, siteOf } from "./recovery-inputs.ts";
import { refuseEscapes } from "./confinement.ts";
import { recorded } from "./signals.ts";
import { startProduction } from "./start-production.ts";

/** Opens the recovered server to the world: started by its manager with its own configuration, the fence being gone. */
export const step: StepKind<Record<string, never>> = {
  name: "server.start",
  risk: "production",
  volatile: true,
  parse: () => ({}),
  describe(_p, raw) {
    return { text: `start the server on ${recoveryInputs(raw).dataDirectory} through what manages it`, commands: [] };
  },
  async probe(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    return (await isOwnOrNone(inputs, ctx)) ? "absent" : "done";
  },
  async *run(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    const { signalFile } = await ctx.world.postgres.inspect(inputs.dataDirectory);
    if (signalFile !== null)
      throw new PgrescueError(
        "precondition-refused",
        `${signalFile} is still in ${inputs.dataDirectory}: recovery has not ended`,
      );
    await refuseEscapes(inputs, ctx);
    yield* startProduction(inputs, ctx);
    const { superuser = "postgres", database = "postgres" } = siteOf(inputs);
    const { postgres } = ctx.world;
    const target = postgres.connectionOf(await postgres.inspect(inputs.dataDirectory), superuser, database);
    // From here on the fenced server's place is nobody's.
    if (target !== null) yield recorded(recordedNames.server, serverAt(target, inputs.dataDirectory));
  },
  async *undo(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    await ctx.command((await managerOf(inputs, ctx)).stop);
    yield { signal: "log", level: "info", text: `stopped the server on ${inputs.dataDirectory}` };
  },
};
