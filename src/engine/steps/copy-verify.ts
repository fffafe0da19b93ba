import { messageOf, PgrescueError } from "../../domain/errors.ts";
import { openPoint } from "../open-point.ts";
import type { StepKind } from "../step.ts";
import { copyInputs, parseCopyParameters, pointsOf, type CopyParameters } from "./copy-parameters.ts";
import { judged, recorded, verdict } from "./signals.ts";

/** The recorded value that says which copies were read back. */
const verifiedRecord = "copies-verified";

/** Reads every byte of the copies back and compares it with what the backup wrote down. */
export const step: StepKind<CopyParameters> = {
  name: "copy.verify",
  risk: "read",
  parse: parseCopyParameters,
  describe(_p, inputs) {
    return { text: `read every byte of the copies in ${copyInputs(inputs).to.join(", ")}`, commands: [] };
  },
  async probe(_p, ctx) {
    return Promise.resolve(ctx.recorded[verifiedRecord] === undefined ? "absent" : "done");
  },
  async *run(_p, ctx) {
    for (const name of copyInputs(ctx.inputs).to) {
      const target = await ctx.world.repository(name);
      const { all, missing } = await pointsOf(ctx, target);
      const [lost] = missing;
      if (lost !== undefined)
        throw new PgrescueError("verification-failed", `${lost.id} is not offered by ${name}`, {
          next: "Look at that repository with `pgrescue points`, then copy again.",
        });
      for (const point of all) {
        const title = `${point.id} in ${name} is what was written`;
        try {
          const reader = await openPoint(target, { ...point, repository: name });
          for await (const progress of reader.verify(ctx.signal)) yield { signal: "progress", ...progress };
        } catch (error) {
          if (ctx.signal.aborted) throw error;
          yield judged(verdict("copy.bytes", title, "fail", messageOf(error), { rung: "bytes" }));
          throw new PgrescueError("verification-failed", `${title}: ${messageOf(error)}`, {
            next: "Look at that storage; remove the damaged copy there and copy again.",
          });
        }
        yield judged(
          verdict("copy.bytes", title, "pass", "all objects were read and their hashes compared", { rung: "bytes" }),
        );
      }
    }
    yield recorded(verifiedRecord, true);
  },
};
