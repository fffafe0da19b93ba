import { PgrescueError } from "../../domain/errors.ts";
import type { DumpRestoreInputs } from "../../domain/plan.ts";
import type { StepContext, StepKind } from "../step.ts";
import {
  dumpRestoreInputs,
  dumpRestoreRequest,
  parseDumpRestoreParameters,
  type DumpRestoreParameters,
} from "./dump-restore-parameters.ts";
import { recordedNames } from "./recorded.ts";
import { logged, recorded } from "./signals.ts";

/** Gives the new database the name of the old one, which is kept under another. */
export const step: StepKind<DumpRestoreParameters> = {
  name: "dump.swap",
  risk: "production",
  parse: parseDumpRestoreParameters,
  describe(_p, inputs) {
    const { database, swap, into } = dumpRestoreInputs(inputs);
    if (swap === null) return { text: "no exchange was asked for", commands: [] };
    return {
      text: `in ${into}, end all sessions of ${swap.name}, rename it to ${swap.old}, and ${database} to ${swap.name}; both names change at once`,
      commands: [],
    };
  },
  async probe(_p, ctx) {
    return (await ctx.world.dumpRestores.isSwapped(dumpRestoreRequest(ctx), swapOf(ctx))) ? "done" : "absent";
  },
  async *run(_p, ctx) {
    const [request, swap] = [dumpRestoreRequest(ctx), swapOf(ctx)];
    await ctx.world.dumpRestores.swap(request, swap);
    yield logged(`${request.database} is ${swap.name} now; the old one is kept as ${swap.old}`);
    const connectionString = await ctx.world.dumpRestores.connectionString({ ...request, database: swap.name });
    yield recorded(recordedNames.server, { database: swap.name, connectionString });
  },
  async *undo(_p, ctx) {
    const [request, swap] = [dumpRestoreRequest(ctx), swapOf(ctx)];
    await ctx.world.dumpRestores.swapBack(request, swap);
    yield logged(`${swap.name} is ${request.database} again, and ${swap.old} is ${swap.name}`);
  },
};

function swapOf(ctx: StepContext): NonNullable<DumpRestoreInputs["swap"]> {
  const { swap } = dumpRestoreInputs(ctx.inputs);
  if (swap === null) throw new PgrescueError("bug", "no exchange was asked for");
  return swap;
}
