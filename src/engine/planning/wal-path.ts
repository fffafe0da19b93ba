import type { Instant } from "../../domain/instant.ts";
import { historyOf } from "../../domain/inventory.ts";
import { lsn, type Lsn } from "../../domain/lsn.ts";
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

/** Where the first record begins at or after `at`, and before `until`; null when there is none. */
export async function recordFrom(path: WalPath, at: Lsn, until: Lsn): Promise<Lsn | null> {
  const size = path.source.inventory.segmentSize;
  for (let number = segmentOf(at, size); number * BigInt(size) < until; number = (number + 1n) as SegmentNumber) {
    const segment = addressOf(path, number);
    if (segment === null) return null;
    const found = await path.reader.recordFrom(path.source, segment, at);
    if (found !== null) return found < until ? found : null;
  }
  return null;
}

function addressOf(path: WalPath, number: SegmentNumber): SegmentAddress | null {
  const timeline = timelineOfSegment(path.history, path.source.inventory, number);
  return timeline === null ? null : { timeline, number };
}

/** The end of a transaction: what time and xid targets look at. */
export function isTransactionEnd(event: WalEvent): event is TransactionEnd {
  return event.kind === "commit" || event.kind === "abort";
}

/** A record after which what a crash would leave is not what it was before: a commit, a PREPARE TRANSACTION and its end. */
export type Decision = TransactionEnd | Extract<WalEvent, { kind: "prepare" }>;

/** Whether an event is a decision. A rollback without PREPARE only tells what a crash would do by itself. */
export function isDecision(event: WalEvent): event is Decision {
  return event.kind === "commit" || event.kind === "prepare" || (event.kind === "abort" && event.prepared);
}

/** The last commit in a range; null when there is none, "unknown" when `limit` segments were not enough. */
export async function lastCommitIn(
  path: WalPath,
  range: LsnRange,
  limit: number,
): Promise<TransactionEnd | null | "unknown"> {
  return lastIn(path, range, limit, (e): e is TransactionEnd => e.kind === "commit");
}

/**
 * The last decision in a range; null when there is none, "unknown" when `limit` segments were not enough. Without what
 * was prepared later than `until`, where that is given.
 */
export async function lastDecisionIn(
  path: WalPath,
  range: LsnRange,
  limit: number,
  until: Instant | null,
): Promise<Decision | null | "unknown"> {
  return lastIn(
    path,
    range,
    limit,
    (e): e is Decision => isDecision(e) && (until === null || e.kind !== "prepare" || e.at <= until),
  );
}

async function lastIn<T extends WalEvent>(
  path: WalPath,
  range: LsnRange,
  limit: number,
  isMeant: (event: WalEvent) => event is T,
): Promise<T | null | "unknown"> {
  let seen = 0;
  for await (const summary of backward(path, range)) {
    const found = summary.events.findLast(isMeant);
    if (found !== undefined) return found;
    if (++seen >= limit) return "unknown";
  }
  return null;
}
