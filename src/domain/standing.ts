import type { Hole, WalInventory } from "./coverage.ts";
import { historyOf } from "./inventory.ts";
import { formatLsn, lsn, type Lsn } from "./lsn.ts";
import type { RecoveryPoint } from "./recovery-point.ts";
import { segmentName, segmentOf } from "./segment.ts";
import { coveredAlong, joinLsnRanges, rangeAround, type LsnRange } from "./timeline-path.ts";
import type { TimelineHistory } from "./timeline.ts";

/** Stored WAL along a way, together with what lies inside the given point. */
export function coveredWith(point: RecoveryPoint, history: TimelineHistory, inventory: WalInventory): LsnRange[] {
  const covered = coveredAlong(history, inventory);
  if (!point.walIncluded) return covered;
  const size = BigInt(inventory.segmentSize);
  const last = lastNeeded(point) / size;
  return joinLsnRanges([...covered, { from: lsn((point.startLsn / size) * size), until: lsn((last + 1n) * size) }]);
}

/** How far a point can be rolled forward along a way: the end of unbroken WAL from its start; null: not even to its own end. */
export function reachOf(point: RecoveryPoint, history: TimelineHistory, inventory: WalInventory): Lsn | null {
  const range = rangeAround(coveredWith(point, history, inventory), point.startLsn);
  return range === null || range.until < point.stopLsn ? null : range.until;
}

/** The first segment that is missing between two positions along a way, to the last missing one; null where all is there. */
export function firstGap(
  covered: readonly LsnRange[],
  from: Lsn,
  until: Lsn,
  history: TimelineHistory,
  segmentSize: number,
): Hole | null {
  const around = rangeAround(covered, from);
  const start = around === null ? from : around.until;
  if (start >= until) return null;
  const next = covered.find((r) => r.from > start);
  const end = next === undefined || next.from > until ? until : next.from;
  const timeline = history.switches.find((s) => start < s.switchedAt)?.parent ?? history.timeline;
  const name = (at: Lsn): string => segmentName(timeline, segmentOf(at, segmentSize), segmentSize);
  return { timeline, fromSegment: name(start), toSegment: name(lsn(end - 1n)) };
}

/**
 * A point as it stands with the WAL there is: `ok` and `archived` become `not-restorable` where WAL between its start and
 * end is missing. Of an archived point whose description cannot be read nothing is known, and it stays what it is.
 */
export function judgePoint(point: RecoveryPoint, inventory: WalInventory | null): RecoveryPoint {
  const isCandidate = point.status === "ok" || (point.status === "archived" && point.segmentSize > 0);
  if (!isCandidate || (point.kind !== "base" && point.kind !== "incremental") || point.walIncluded) return point;
  if (inventory === null) return { ...point, status: "not-restorable", reason: "its WAL could not be listed" };
  const history = historyOf(inventory, point.timeline);
  if (reachOf(point, history, inventory) !== null) return point;
  const gap = firstGap(
    coveredAlong(history, inventory),
    point.startLsn,
    lsn(lastNeeded(point) + 1n),
    history,
    inventory.segmentSize,
  );
  const missing =
    gap === null
      ? `WAL from ${formatLsn(point.startLsn)}`
      : gap.fromSegment === gap.toSegment
        ? `segment ${gap.fromSegment}`
        : `segments ${gap.fromSegment} to ${gap.toSegment}`;
  return { ...point, status: "not-restorable", reason: `${missing} of its own WAL is missing` };
}

/** The last byte that recovery needs to become consistent. */
function lastNeeded(point: RecoveryPoint): Lsn {
  return lsn(point.stopLsn > point.startLsn ? point.stopLsn - 1n : point.startLsn);
}
