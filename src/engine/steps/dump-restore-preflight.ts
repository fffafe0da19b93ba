import type { StepKind } from "../step.ts";
import {
  dumpOf,
  dumpRestoreInputs,
  dumpRestoreRequest,
  parseDumpRestoreParameters,
  type DumpRestoreParameters,
} from "./dump-restore-parameters.ts";
import { hasRecorded } from "./recorded.ts";
import { recorded, toldBefore } from "./signals.ts";

const record = "restore-possible";

/** Looks at the dump and at the server that it goes to; refuses where the restore could not succeed. */
export const step: StepKind<DumpRestoreParameters> = {
  name: "dump.restore-preflight",
  risk: "read",
  parse: parseDumpRestoreParameters,
  describe(_p, inputs) {
    const { point, sourceDatabase, into, database } = dumpRestoreInputs(inputs);
    return {
      text: `ask whether ${sourceDatabase || "the dump"} of ${point} can become database ${database} in ${into}: rights, versions, extensions, locale, names; nothing is changed`,
      commands: [],
    };
  },
  probe: (_p, ctx) => Promise.resolve(hasRecorded(ctx, record)),
  async *run(_p, ctx) {
    yield* toldBefore(await ctx.world.dumpRestores.examine(dumpRestoreRequest(ctx), await dumpOf(ctx), ctx.signal));
    yield recorded(record, true);
  },
};
