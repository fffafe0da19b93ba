import { messageOf, PgrescueError } from "../../domain/errors.ts";
import { keepingOf } from "../retention/judge-repository.ts";
import type { StepKind } from "../step.ts";
import {
  expiryInputs,
  judgeNow,
  parseExpiryParameters,
  refusedRecord,
  type ExpiryParameters,
} from "./expire-parameters.ts";
import { logged, recorded } from "./signals.ts";

/** Removes the points that the policy no longer keeps, oldest first. What the store refuses to remove stays, and is told. */
export const step: StepKind<ExpiryParameters> = {
  name: "expire.points",
  risk: "irreversible",
  parse: parseExpiryParameters,
  describe(_p, inputs) {
    const { cluster, repositories } = expiryInputs(inputs);
    return { text: `remove expired backups of ${cluster} from ${repositories.join(", ")}`, commands: [] };
  },
  async probe(_p, ctx) {
    for (const { judgement } of await judgeNow(ctx))
      if (judgement.systems.some((s) => s.points.some((d) => d.action === "delete"))) return "absent";
    return "done";
  },
  async *run(_p, ctx) {
    const refused: Record<string, string> = {};
    for (const { repository, judgement } of await judgeNow(ctx)) {
      const keeping = keepingOf(repository);
      const doomed = judgement.systems
        .flatMap((s) => s.points)
        .filter((d) => d.action === "delete")
        .sort((a, b) => (a.point.startedAt < b.point.startedAt ? -1 : 1));
      for (const [at, { point, reason }] of doomed.entries()) {
        try {
          for await (const progress of keeping.removePoint(point, ctx.signal))
            yield { signal: "progress", ...progress, doing: `${progress.doing} (${at + 1} of ${doomed.length})` };
          yield logged(`removed ${point.id} from ${repository.name}: ${reason}`);
        } catch (error) {
          if (ctx.signal.aborted || !(error instanceof PgrescueError) || error.code !== "credentials") throw error;
          // A retention lock or a missing right: the point is still whole, and so must its WAL be.
          refused[`${repository.name}/${point.id}`] = `the store does not let it be removed: ${messageOf(error)}`;
          yield logged(`${point.id} stays in ${repository.name}: ${messageOf(error)}`, "warn");
        }
      }
    }
    if (Object.keys(refused).length > 0) yield recorded(refusedRecord, refused);
  },
};
