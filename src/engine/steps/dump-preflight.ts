import type { StepKind } from "../step.ts";
import { dumpInputs, dumpOfRun, dumpRequest, parseDumpParameters, type DumpParameters } from "./dump-parameters.ts";
import { toldBefore } from "./signals.ts";

/** Looks at server, programs and repository before a dump; refuses only where it could not succeed. */
export const step: StepKind<DumpParameters> = {
  name: "dump.preflight",
  risk: "read",
  parse: parseDumpParameters,
  describe(_p, inputs) {
    const { cluster, repository } = dumpInputs(inputs);
    return {
      text: `ask the server of ${cluster}, pg_dump and repository ${repository} whether a dump can be taken; nothing is changed`,
      commands: [],
    };
  },
  async probe(_p, ctx) {
    // A dump that exists needs no permission any more.
    return (await dumpOfRun(ctx).catch(() => null)) === null ? "absent" : "done";
  },
  async *run(_p, ctx) {
    yield* toldBefore(await ctx.world.dumps.examine(dumpRequest(ctx), ctx.signal));
  },
};
