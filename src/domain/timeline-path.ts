import type { WalInventory } from "./coverage.ts";
import { holdsSegment } from "./inventory.ts";
import { lsn, type Lsn } from "./lsn.ts";
import type { RecoveryPoint } from "./recovery-point.ts";
import { segmentOf, segmentStart, type SegmentNumber, type TimelineId } from "./segment.ts";
import { forkOf, passesThrough, type TimelineHistory } from "./timeline.ts";

/** Bytes of WAL, `until` not included. */
export interface LsnRange {
  readonly from: Lsn;
  readonly until: Lsn;
}

/** A stretch of the way to a timeline that lies on one timeline; `until` null: to its end. */
interface Leg {
  readonly timeline: TimelineId;
  readonly from: Lsn;
  readonly until: Lsn | null;
}

function legsOf(history: TimelineHistory): Leg[] {
  const legs: Leg[] = [];
  let from = lsn(0n);
  for (const { parent, switchedAt } of history.switches) {
    legs.push({ timeline: parent, from, until: switchedAt });
    from = switchedAt;
  }
  return [...legs, { timeline: history.timeline, from, until: null }];
}

/**
 * The WAL that is stored along the way to a timeline, joined, in order. The first segment of a new timeline holds a copy
 * of what came before the switch, so it counts from its start; an older timeline's counts only up to the switch.
 */
export function coveredAlong(history: TimelineHistory, inventory: WalInventory): LsnRange[] {
  const size = inventory.segmentSize;
  const pieces: LsnRange[] = [];
  for (const leg of legsOf(history)) {
    const first = segmentOf(leg.from, size);
    for (const range of inventory.ranges) {
      if (range.timeline !== leg.timeline || range.until < first) continue;
      const from = segmentStart(range.from < first ? first : range.from, size);
      const end = segmentStart((range.until + 1n) as SegmentNumber, size);
      const until = leg.until !== null && leg.until < end ? leg.until : end;
      if (from < until) pieces.push({ from, until });
    }
  }
  return joinLsnRanges(pieces);
}

/** Sorts ranges and joins those that overlap or touch. */
export function joinLsnRanges(pieces: readonly LsnRange[]): LsnRange[] {
  const joined: LsnRange[] = [];
  for (const piece of [...pieces].sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0))) {
    const last = joined.at(-1);
    if (last === undefined || piece.from > last.until) joined.push(piece);
    else if (piece.until > last.until) joined[joined.length - 1] = { from: last.from, until: piece.until };
  }
  return joined;
}

/** The unbroken range that holds the byte at `at`; null where there is none. */
export function rangeAround(ranges: readonly LsnRange[], at: Lsn): LsnRange | null {
  return ranges.find((r) => r.from <= at && at < r.until) ?? null;
}

/** The timeline whose file gives a segment on the way to `history.timeline`: the newest one that has it, as PostgreSQL looks; null where none has. */
export function timelineOfSegment(
  history: TimelineHistory,
  inventory: WalInventory,
  number: SegmentNumber,
): TimelineId | null {
  const start = segmentStart(number, inventory.segmentSize);
  for (const leg of legsOf(history).toReversed()) {
    if (segmentOf(leg.from, inventory.segmentSize) > number || (leg.until !== null && leg.until <= start)) continue;
    if (holdsSegment(inventory, leg.timeline, number)) return leg.timeline;
  }
  return null;
}

/** Whether a point lies on the way to a timeline: taken on it or on an ancestor, and finished before the way left that. */
export function isOnPath(point: Pick<RecoveryPoint, "timeline" | "stopLsn">, history: TimelineHistory): boolean {
  if (!passesThrough(history, point.timeline)) return false;
  const fork = forkOf(history, point.timeline);
  return fork === null || point.stopLsn <= fork;
}
