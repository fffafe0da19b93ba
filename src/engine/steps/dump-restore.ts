import type { StepKind } from "../step.ts";
import {
  dumpOf,
  dumpRestoreInputs,
  dumpRestoreRequest,
  parseDumpRestoreParameters,
  type DumpRestoreParameters,
} from "./dump-restore-parameters.ts";
import { recordedNames } from "./recorded.ts";
import { recorded } from "./signals.ts";

/** Makes the new database and fills it. A run that was cut off makes it anew: a database with half of the rows is of no use. */
export const step: StepKind<DumpRestoreParameters> = {
  name: "dump.restore",
  risk: "scratch",
  parse: parseDumpRestoreParameters,
  describe(_p, inputs) {
    const { into, database, point, sourceDatabase, schemas, tables, jobs } = dumpRestoreInputs(inputs);
    const part = [...schemas.map((name) => `schema ${name}`), ...tables.map((name) => `table ${name}`)];
    const how = jobs > 1 ? `, with ${jobs} sessions from a file beside` : ", as it streams";
    return {
      text: `make database ${database} in ${into} and load ${part.length === 0 ? sourceDatabase || "the dump" : part.join(", ")} of ${point}${how}; then ANALYZE`,
      commands: [],
    };
  },
  async probe(_p, ctx) {
    const state = await ctx.world.dumpRestores.state(dumpRestoreRequest(ctx));
    if (state === "ours-unfinished") return "partial";
    const { swap } = dumpRestoreInputs(ctx.inputs);
    if (state === "ours-done") return "done";
    // After the exchange it has another name.
    const isSwapped = swap !== null && (await ctx.world.dumpRestores.isSwapped(dumpRestoreRequest(ctx), swap));
    return isSwapped ? "done" : "absent";
  },
  async *run(_p, ctx) {
    const request = dumpRestoreRequest(ctx);
    yield* ctx.world.dumpRestores.restore(request, await dumpOf(ctx), ctx.signal);
    const connectionString = await ctx.world.dumpRestores.connectionString(request);
    yield recorded(recordedNames.server, { database: request.database, connectionString });
  },
};
