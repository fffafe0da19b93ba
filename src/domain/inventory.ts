import type { Hole, SegmentRange, WalInventory } from "./coverage.ts";
import { segmentName, type SegmentNumber, type TimelineId } from "./segment.ts";
import type { TimelineHistory } from "./timeline.ts";

/** Sorts ranges and joins those that overlap or touch, per timeline. */
export function joinRanges(ranges: readonly SegmentRange[]): SegmentRange[] {
  const joined: SegmentRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.timeline - b.timeline || compare(a.from, b.from))) {
    const last = joined.at(-1);
    if (last?.timeline !== range.timeline || range.from > last.until + 1n) joined.push(range);
    else if (range.until > last.until) joined[joined.length - 1] = { ...last, until: range.until };
  }
  return joined;
}

/** Single segments as ranges. */
export function rangesOf(
  segments: readonly { readonly timeline: TimelineId; readonly number: SegmentNumber }[],
): SegmentRange[] {
  return joinRanges(segments.map(({ timeline, number }) => ({ timeline, from: number, until: number })));
}

/** What of it can be read at once. */
export function readableOf(inventory: WalInventory): WalInventory {
  const { cold = [], ...rest } = inventory;
  return { ...rest, ranges: inventory.ranges.flatMap((range) => without(range, cold)) };
}

/** The parts of a range that no other one covers. `others` sorted. */
function without(range: SegmentRange, others: readonly SegmentRange[]): SegmentRange[] {
  const parts: SegmentRange[] = [];
  let { from } = range;
  for (const other of others) {
    if (other.timeline !== range.timeline || other.until < from || other.from > range.until) continue;
    if (other.from > from) parts.push({ ...range, from, until: (other.from - 1n) as SegmentNumber });
    from = (other.until + 1n) as SegmentNumber;
  }
  if (from <= range.until) parts.push({ ...range, from });
  return parts;
}

/** What two places hold together. They must be of the same system and segment size; the first one's histories win. */
export function joinInventories(a: WalInventory, b: WalInventory): WalInventory {
  const known = new Set(a.histories.map((h) => h.timeline));
  return {
    systemIdentifier: a.systemIdentifier === "" ? b.systemIdentifier : a.systemIdentifier,
    segmentSize: a.segmentSize,
    ranges: joinRanges([...a.ranges, ...b.ranges]),
    histories: [...a.histories, ...b.histories.filter((h) => !known.has(h.timeline))].sort(
      (x, y) => x.timeline - y.timeline,
    ),
    others: [...new Set([...a.others, ...b.others])].sort(),
  };
}

/** Whether a segment is stored. */
export function holdsSegment(inventory: WalInventory, timeline: TimelineId, number: SegmentNumber): boolean {
  return inventory.ranges.some((r) => r.timeline === timeline && r.from <= number && number <= r.until);
}

/** A timeline's history; one without ancestors where none is stored. */
export function historyOf(inventory: WalInventory, timeline: TimelineId): TimelineHistory {
  return inventory.histories.find((h) => h.timeline === timeline) ?? { timeline, switches: [] };
}

/** Every timeline that has segments or a history, lowest first. */
export function timelinesOf(inventory: WalInventory): TimelineId[] {
  return [...new Set([...inventory.ranges, ...inventory.histories].map((x) => x.timeline))].sort((a, b) => a - b);
}

/** What is missing between stored segments of the same timeline. */
export function holesOf(inventory: WalInventory): Hole[] {
  return inventory.ranges.flatMap((range, at) => {
    const next = inventory.ranges[at + 1];
    if (next?.timeline !== range.timeline) return [];
    const name = (number: bigint): string =>
      segmentName(range.timeline, number as SegmentNumber, inventory.segmentSize);
    return [{ timeline: range.timeline, fromSegment: name(range.until + 1n), toSegment: name(next.from - 1n) }];
  });
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
