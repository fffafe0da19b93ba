import { historyOf } from "../../domain/inventory.ts";
import { lsn } from "../../domain/lsn.ts";
import { segmentOf, type SegmentNumber, type TimelineId } from "../../domain/segment.ts";
import { timelineOfSegment, type LsnRange } from "../../domain/timeline-path.ts";
import type { TimelineHistory } from "../../domain/timeline.ts";
import type { SegmentSummary, TransactionEnd, WalEvent } from "../../domain/wal-event.ts";
import type { SegmentAddress, WalReader, WalSource } from "../../ports/wal-reader.ts";

/** The WAL on the way to a timeline, ready to be read. */
export interface WalPath {
  readonly source: WalSource;
  readonly reader: WalReader;
  readonly history: TimelineHistory;
}

/** The way to `timeline`. */
export function openPath(source: WalSource, reader: WalReader, timeline: TimelineId): WalPath {
  return { source, reader, history: historyOf(source.inventory, timeline) };
}

/** How many segments a range touches. */
export function segmentCount(path: WalPath, range: LsnRange): number {
  const size = path.source.inventory.segmentSize;
  return range.from >= range.until
    ? 0
    : Number(segmentOf(lsn(range.until - 1n), size) - segmentOf(range.from, size)) + 1;
}

/** What the WAL of a range says, segment by segment, oldest first; ends early where a segment is missing or the WAL ends in one. */
export async function* forward(path: WalPath, range: LsnRange): AsyncGenerator<SegmentSummary> {
  const size = path.source.inventory.segmentSize;
  for (
    let number = segmentOf(range.from, size);
    number * BigInt(size) < range.until;
    number = (number + 1n) as SegmentNumber
  ) {
    const summary = await summaryOf(path, number, range);
    if (summary === null) return;
    yield summary;
    if (!summary.complete) return;
  }
}

/** The same, newest first; a missing segment ends it. */
export async function* backward(path: WalPath, range: LsnRange): AsyncGenerator<SegmentSummary> {
  const size = path.source.inventory.segmentSize;
  if (range.from >= range.until) return;
  for (
    let number = segmentOf(lsn(range.until - 1n), size);
    number >= segmentOf(range.from, size);
    number = (number - 1n) as SegmentNumber
  ) {
    const summary = await summaryOf(path, number, range);
    if (summary === null) return;
    yield summary;
  }
}

/** One segment on the way, only with what lies in the range; null when it is missing. */
export async function summaryOf(path: WalPath, number: SegmentNumber, range: LsnRange): Promise<SegmentSummary | null> {
  const segment = addressOf(path, number);
  if (segment === null) return null;
  const summary = await path.reader.summarise(path.source, segment, addressOf(path, (number + 1n) as SegmentNumber));
  if (summary === null) return null;
  const inside = (event: WalEvent): boolean => event.lsn >= range.from && event.endLsn <= range.until;
  const end = summary.end > range.until ? range.until : summary.end;
  return { ...summary, end, events: summary.events.every(inside) ? summary.events : summary.events.filter(inside) };
}

function addressOf(path: WalPath, number: SegmentNumber): SegmentAddress | null {
  const timeline = timelineOfSegment(path.history, path.source.inventory, number);
  return timeline === null ? null : { timeline, number };
}

/** The end of a transaction: what time and xid targets look at. */
export function isTransactionEnd(event: WalEvent): event is TransactionEnd {
  return event.kind === "commit" || event.kind === "abort";
}

/** The last commit in a range; null when there is none, "unknown" when `limit` segments were not enough. */
export async function lastCommitIn(
  path: WalPath,
  range: LsnRange,
  limit: number,
): Promise<TransactionEnd | null | "unknown"> {
  let seen = 0;
  for await (const summary of backward(path, range)) {
    const commit = summary.events.findLast((e): e is TransactionEnd => e.kind === "commit");
    if (commit !== undefined) return commit;
    if (++seen >= limit) return "unknown";
  }
  return null;
}
