import type { Instant } from "../../domain/instant.ts";
import { lsn } from "../../domain/lsn.ts";
import { segmentOf, type SegmentNumber } from "../../domain/segment.ts";
import type { LsnRange } from "../../domain/timeline-path.ts";
import type { TransactionEnd, WalEvent } from "../../domain/wal-event.ts";
import { backward, forward, isTransactionEnd, segmentCount, summaryOf, type WalPath } from "./wal-path.ts";

/**
 * The first commit or abort at which PostgreSQL stops for a time target (recoveryStopsBefore in xlogrecovery.c): the
 * first one later than `time`, or as late where the target is exclusive. Bisects the segments, as times rise with
 * positions but for the moments that commits overtake each other.
 */
export async function findFirstAfter(
  path: WalPath,
  range: LsnRange,
  time: Instant,
  inclusive: boolean,
): Promise<TransactionEnd | null> {
  const stops = (e: TransactionEnd): boolean => (inclusive ? e.at > time : e.at >= time);
  const size = path.source.inventory.segmentSize;
  const top = segmentOf(lsn(range.until - 1n), size);
  let low = segmentOf(range.from, size);
  let high = top;
  while (low < high) {
    const middle = ((low + high + 1n) / 2n) as SegmentNumber;
    const first = await firstEndFrom(path, middle, top, range);
    if (first === null || stops(first)) high = (middle - 1n) as SegmentNumber;
    else low = middle;
  }
  const floor = segmentOf(range.from, size);
  const from = low > floor ? low - 1n : low;
  const start = lsn(from * BigInt(size));
  for await (const summary of forward(path, { from: start > range.from ? start : range.from, until: range.until })) {
    const stop = summary.events.find((e): e is TransactionEnd => isTransactionEnd(e) && stops(e));
    if (stop !== undefined) return stop;
  }
  return null;
}

async function firstEndFrom(
  path: WalPath,
  from: SegmentNumber,
  top: SegmentNumber,
  range: LsnRange,
): Promise<TransactionEnd | null> {
  for (let number = from; number <= top; number = (number + 1n) as SegmentNumber) {
    const summary = await summaryOf(path, number, range);
    const end = summary?.events.find(isTransactionEnd);
    if (end !== undefined) return end;
    if (summary === null || !summary.complete) return null;
  }
  return null;
}

/**
 * The commit or abort of a transaction, the newest with that id. A checkpoint that notes a next id not beyond it ends
 * the search: before that checkpoint's redo point the id had not been given out.
 */
export async function findTransaction(path: WalPath, range: LsnRange, xid: number): Promise<TransactionEnd | null> {
  let floor = range.from;
  for await (const summary of backward(path, range)) {
    const end = summary.events.findLast((e): e is TransactionEnd => isTransactionEnd(e) && e.xid === xid);
    if (end !== undefined) return end;
    for (const e of summary.events)
      if (e.kind === "checkpoint" && e.redo > floor && isNotYetGiven(e.nextXid, xid)) floor = e.redo;
    if (summary.firstRecord !== null && summary.firstRecord <= floor) return null;
  }
  return null;
}

/** Ids go round: the half that lies ahead of the next one has not been given out. */
function isNotYetGiven(nextXid: bigint, xid: number): boolean {
  return ((Number(nextXid & 0xffff_ffffn) - xid) | 0) <= 0;
}

export type RestorePoint = Extract<WalEvent, { kind: "restore-point" }>;

/** The newest restore point of that name. */
export async function findRestorePoint(path: WalPath, range: LsnRange, name: string): Promise<RestorePoint | null> {
  for await (const summary of backward(path, range)) {
    const mark = summary.events.findLast((e): e is RestorePoint => e.kind === "restore-point" && e.name === name);
    if (mark !== undefined) return mark;
  }
  return null;
}

/**
 * What `keep` chooses of a range, in order; null when the range touches more than `limit` segments. Hundreds of segments
 * hold millions of commits: only what is chosen is held.
 */
export async function eventsOf(
  path: WalPath,
  range: LsnRange,
  limit: number,
  keep: (event: WalEvent) => boolean,
): Promise<readonly WalEvent[] | null> {
  if (segmentCount(path, range) > limit) return null;
  const events: WalEvent[] = [];
  for await (const summary of forward(path, range))
    for (const event of summary.events) if (keep(event)) events.push(event);
  return events;
}

/** How many transactions committed in a range; null when it touches more than `limit` segments. */
export async function countCommits(path: WalPath, range: LsnRange, limit: number): Promise<number | null> {
  if (segmentCount(path, range) > limit) return null;
  let count = 0;
  for await (const summary of forward(path, range))
    for (const event of summary.events) if (event.kind === "commit") count++;
  return count;
}

/** The first commit in a range, at most `limit` segments away. */
export async function firstCommitIn(path: WalPath, range: LsnRange, limit: number): Promise<TransactionEnd | null> {
  let seen = 0;
  for await (const summary of forward(path, range)) {
    const commit = summary.events.find((e): e is TransactionEnd => e.kind === "commit");
    if (commit !== undefined) return commit;
    if (++seen >= limit) return null;
  }
  return null;
}
