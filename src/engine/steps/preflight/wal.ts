import type { WalInventory } from "../../../domain/coverage.ts";
import { PgrescueError } from "../../../domain/errors.ts";
import { historyOf, joinInventories, rangesOf } from "../../../domain/inventory.ts";
import { parseWalFileName, segmentNumberOf } from "../../../domain/segment.ts";
import { coveredWith, firstGap } from "../../../domain/standing.ts";
import { lsnOf, repositoriesOf } from "../recovery-inputs.ts";
import { openPoint } from "../restore-files.ts";
import { savableHistories, savableSegments } from "../saved-wal.ts";
import { verdict } from "../signals.ts";
import type { PreflightContext, PreflightQuestion } from "./ask.ts";

/** Whether every segment from the backup to the target is stored, or still in the old server's pg_wal. */
export const wal: PreflightQuestion = {
  check: "preflight.wal",
  title: "WAL from the backup to the target",
  async ask(context) {
    const { inputs, ctx } = context;
    const { point } = await openPoint(inputs, ctx);
    const until = lsnOf(inputs.replayUntil ?? inputs.target.stopAt ?? inputs.replayFrom);
    const { inventory, unread } = await everything(context);
    const history = historyOf(inventory, inputs.target.timeline);
    const last = until > point.stopLsn ? until : point.stopLsn;
    const gap = firstGap(coveredWith(point, history, inventory), point.startLsn, last, history, inventory.segmentSize);
    const count = (last - point.startLsn) / BigInt(inventory.segmentSize) + 1n;
    const say = (result: "pass" | "fail", evidence: string): ReturnType<typeof verdict> =>
      verdict(
        "preflight.wal",
        this.title,
        result,
        evidence,
        result === "pass"
          ? {}
          : {
              mend: "Find the missing segments (another repository, pg_wal of a standby) and push them, or choose a later backup.",
            },
      );
    const aside = unread.length === 0 ? "" : `; not read: ${unread.join("; ")}`;
    if (gap === null) return [say("pass", `${count} segments on timeline ${inputs.target.timeline}, no holes${aside}`)];
    return [say("fail", `segments ${gap.fromSegment} to ${gap.toSegment} are missing${aside}`)];
  },
};

/** What all places hold together, and which of them could not be asked: what the others have may be enough. */
async function everything({
  inputs,
  ctx,
}: PreflightContext): Promise<{ readonly inventory: WalInventory; readonly unread: readonly string[] }> {
  const unread: string[] = [];
  let all: WalInventory = {
    systemIdentifier: inputs.systemIdentifier,
    segmentSize: inputs.segmentSize,
    ranges: [],
    histories: [],
    others: [],
  };
  for (const name of repositoriesOf(inputs)) {
    try {
      const repository = await ctx.world.repository(name);
      const found = await repository.wal(inputs.cluster, inputs.systemIdentifier).inventory();
      all = joinInventories(all, { ...found, segmentSize: inputs.segmentSize });
    } catch (error) {
      if (!(error instanceof PgrescueError)) throw error;
      unread.push(error.message);
    }
  }
  const local = (await savableSegments(inputs, ctx)).flatMap(({ name }) => {
    const file = parseWalFileName(name);
    const number = segmentNumberOf(name, inputs.segmentSize);
    return file?.kind === "segment" && number !== null ? [{ timeline: file.timeline, number }] : [];
  });
  const histories = await savableHistories(inputs, ctx);
  return { inventory: joinInventories(all, { ...all, ranges: rangesOf(local), histories, others: [] }), unread };
}
