import type { WalInventory } from "../../../domain/coverage.ts";
import { PgrescueError } from "../../../domain/errors.ts";
import { historyOf, joinInventories, rangesOf, readableOf } from "../../../domain/inventory.ts";
import { parseWalFileName, segmentNumberOf } from "../../../domain/segment.ts";
import { coveredWith, firstGap } from "../../../domain/standing.ts";
import { lsnOf, repositoriesOf } from "../recovery-inputs.ts";
import { openPoint } from "../restore-files.ts";
import { savableHistories, savableSegments } from "../saved-wal.ts";
import { verdict } from "../signals.ts";
import type { PreflightContext, PreflightQuestion } from "./ask.ts";

/** Whether every segment from the backup to the target is stored where it can be read, or still in the old server's pg_wal. */
export const wal: PreflightQuestion = {
  check: "preflight.wal",
  title: "WAL from the backup to the target",
  async ask(context) {
    const { inputs, ctx } = context;
    const { point } = await openPoint(inputs, ctx);
    const until = lsnOf(inputs.replayUntil ?? inputs.target.stopAt ?? inputs.replayFrom);
    const { inventory, readable, unread } = await everything(context);
    const history = historyOf(inventory, inputs.target.timeline);
    const last = until > point.stopLsn ? until : point.stopLsn;
    const gapIn = (wal: WalInventory) =>
      firstGap(coveredWith(point, history, wal), point.startLsn, last, history, inventory.segmentSize);
    const gap = gapIn(inventory);
    const cold = gapIn(readable);
    const count = (last - point.startLsn) / BigInt(inventory.segmentSize) + 1n;
    const say = (result: "pass" | "fail", evidence: string, mend?: string): ReturnType<typeof verdict> =>
      verdict("preflight.wal", this.title, result, evidence, mend === undefined ? {} : { mend });
    const aside = unread.length === 0 ? "" : `; not read: ${unread.join("; ")}`;
    if (gap !== null)
      return [
        say(
          "fail",
          `segments ${gap.fromSegment} to ${gap.toSegment} are missing${aside}`,
          "Find the missing segments (another repository, pg_wal of a standby) and push them, or choose a later backup.",
        ),
      ];
    if (cold !== null)
      return [
        say(
          "fail",
          `segments ${cold.fromSegment} to ${cold.toSegment} lie in an archive tier and cannot be read${aside}`,
          "Rehydrate them with the store's own tools, or choose a later backup.",
        ),
      ];
    return [say("pass", `${count} segments on timeline ${inputs.target.timeline}, no holes${aside}`)];
  },
};

interface Everything {
  readonly inventory: WalInventory;
  /** What of it need not be rehydrated first. */
  readonly readable: WalInventory;
  /** Why places could not be asked. */
  readonly unread: readonly string[];
}

/** What all places hold together, and which of them could not be asked: what the others have may be enough. */
async function everything({ inputs, ctx }: PreflightContext): Promise<Everything> {
  const unread: string[] = [];
  let all: WalInventory = {
    systemIdentifier: inputs.systemIdentifier,
    segmentSize: inputs.segmentSize,
    ranges: [],
    histories: [],
    others: [],
  };
  let readable = all;
  for (const name of repositoriesOf(inputs)) {
    try {
      const repository = await ctx.world.repository(name);
      const found = await repository.wal(inputs.cluster, inputs.systemIdentifier).inventory();
      const here = { ...found, segmentSize: inputs.segmentSize };
      all = joinInventories(all, here);
      readable = joinInventories(readable, readableOf(here));
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
  const onHost = { ...all, ranges: rangesOf(local), histories, others: [] };
  return { inventory: joinInventories(all, onHost), readable: joinInventories(readable, onHost), unread };
}
