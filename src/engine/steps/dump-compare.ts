import { PgrescueError } from "../../domain/errors.ts";
import { gravest, type Verdict } from "../../domain/verdict.ts";
import type { StepKind } from "../step.ts";
import {
  dumpOf,
  dumpRestoreInputs,
  dumpRestoreRequest,
  parseDumpRestoreParameters,
  type DumpRestoreParameters,
} from "./dump-restore-parameters.ts";
import { hasRecorded } from "./recorded.ts";
import { recorded } from "./signals.ts";

const record = "restored-as-dumped";

/** Compares the new database with what was counted when the dump was taken. */
export const step: StepKind<DumpRestoreParameters> = {
  name: "dump.compare",
  risk: "read",
  parse: parseDumpRestoreParameters,
  describe(_p, inputs) {
    const { database } = dumpRestoreInputs(inputs);
    return { text: `compare tables, rows and fingerprints of ${database} with the dump's own`, commands: [] };
  },
  probe: (_p, ctx) => Promise.resolve(hasRecorded(ctx, record)),
  async *run(_p, ctx) {
    const verdicts: Verdict[] = [];
    for await (const said of ctx.world.dumpRestores.compare(dumpRestoreRequest(ctx), await dumpOf(ctx), ctx.signal)) {
      if (said.signal === "verdict") verdicts.push(said.verdict);
      yield said;
    }
    const failed = verdicts.find(({ result }) => result === "fail");
    if (failed !== undefined)
      throw new PgrescueError(
        "verification-failed",
        `${failed.title}: ${failed.evidence}`,
        failed.mend === undefined ? {} : { next: failed.mend },
      );
    yield recorded(record, gravest(verdicts));
  },
};
