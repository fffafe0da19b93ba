import type { Instant } from "../../domain/instant.ts";
import type { Lsn } from "../../domain/lsn.ts";
import type { LsnRange } from "../../domain/timeline-path.ts";
import type { TransactionEnd } from "../../domain/wal-event.ts";
import { backward, isDecision, type Decision, type WalPath } from "./wal-path.ts";

/** How an unbroken range of WAL ends. */
export interface WalEnd {
  /** First byte after the last valid record. */
  readonly end: Lsn;
  /** Start of the last valid record; null when the last segments hold none. */
  readonly lastRecord: Lsn | null;
  /** null: there is none in the range; "unknown": none in the last `limit` segments. */
  readonly lastCommit: TransactionEnd | null | "unknown";
  /** The last commit or PREPARE TRANSACTION, or the end of a prepared one, where it is not before the last commit. */
  readonly lastDecision: Decision | null;
  /** The latest time that the end of the WAL proves to be covered: of the last commit, or of a later checkpoint or mark. */
  readonly provenUntil: Instant | null;
}

/**
 * Finds the last commit in unbroken WAL, from the end backwards, so that a large archive need not be read. A segment
 * inside the range in which the WAL ends (a torn file) cuts off what comes after it.
 */
export async function findWalEnd(path: WalPath, range: LsnRange, limit = 4096): Promise<WalEnd> {
  let end: Lsn = range.until;
  let lastRecord: Lsn | null = null;
  let lastDecision: Decision | null = null;
  let provenUntil: Instant | null = null;
  let seen = 0;
  for await (const summary of backward(path, range)) {
    if (!summary.complete) {
      end = summary.end;
      lastRecord = null;
      lastDecision = null;
      provenUntil = null;
    }
    if (lastRecord === null && summary.lastRecord !== null && summary.lastRecord < range.until)
      lastRecord = summary.lastRecord;
    for (const event of summary.events)
      if ("at" in event && (provenUntil === null || event.at > provenUntil)) provenUntil = event.at;
    lastDecision ??= summary.events.findLast(isDecision) ?? null;
    const commit = summary.events.findLast((e): e is TransactionEnd => e.kind === "commit");
    if (commit !== undefined) return { end, lastRecord, lastCommit: commit, lastDecision, provenUntil };
    if (++seen >= limit) return { end, lastRecord, lastCommit: "unknown", lastDecision, provenUntil };
  }
  return { end, lastRecord, lastCommit: null, lastDecision, provenUntil };
}
