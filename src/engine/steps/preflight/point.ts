import { formatInstant } from "../../../domain/instant.ts";
import { formatLsn } from "../../../domain/lsn.ts";
import { openPoint } from "../restore-files.ts";
import { lsnOf } from "../recovery-inputs.ts";
import { verdict } from "../signals.ts";
import type { PreflightQuestion } from "./ask.ts";

/** Whether the recovery point is there, whole, of this system, and ends before the target. */
export const point: PreflightQuestion = {
  check: "preflight.point",
  title: "recovery point",
  async ask({ inputs, ctx }) {
    const { point: found } = await openPoint(inputs, ctx);
    const title = `recovery point ${found.id}`;
    if (found.status !== "ok") {
      const evidence = `it is ${found.status}${found.reason === undefined ? "" : `: ${found.reason}`}`;
      return [
        verdict("preflight.point", title, "fail", evidence, {
          mend: "Choose another point; `pgrescue points` lists them.",
        }),
      ];
    }
    const stopAt = inputs.target.stopAt === null ? null : lsnOf(inputs.target.stopAt);
    const ended = `it ended at ${formatLsn(found.stopLsn)}, ${formatInstant(found.finishedAt)}`;
    if (stopAt !== null && stopAt < found.stopLsn) {
      return [
        verdict("preflight.point", title, "fail", `${ended}, after the target ${formatLsn(stopAt)}`, {
          mend: "Choose a point that ended before the target: recovery cannot stop before the backup is consistent.",
        }),
      ];
    }
    return [verdict("preflight.point", title, "pass", `${ended}, before the target`)];
  },
};
