import { PgrescueError } from "../../domain/errors.ts";
import type { Verdict } from "../../domain/verdict.ts";
import type { StepKind } from "../step.ts";
import {
  dumpOf,
  dumpRestoreInputs,
  dumpRestoreRequest,
  parseDumpRestoreParameters,
  type DumpRestoreParameters,
} from "./dump-restore-parameters.ts";
import { hasRecorded } from "./recorded.ts";
import { judged, recorded } from "./signals.ts";

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
    const bad: Verdict[] = [];
    const verdicts = await ctx.world.dumpRestores.examine(dumpRestoreRequest(ctx), await dumpOf(ctx), ctx.signal);
    for (const verdict of verdicts) {
      yield judged(verdict);
      if (verdict.result === "fail") bad.push(verdict);
    }
    const [first] = bad;
    if (first !== undefined)
      throw new PgrescueError(
        "precondition-refused",
        `${first.title}: ${first.evidence}${bad.length > 1 ? ` (and ${bad.length - 1} more)` : ""}`,
        first.mend === undefined ? {} : { next: first.mend },
      );
    yield recorded(record, true);
  },
};
