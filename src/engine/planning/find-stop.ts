import { formatInstant } from "../../domain/instant.ts";
import { formatLsn, lsn, type Lsn } from "../../domain/lsn.ts";
import type { StopBy } from "../../domain/recovery-settings.ts";
import type { Reach } from "../../domain/reach.ts";
import type { PlanRefusal } from "../../domain/refusal.ts";
import type { LsnRange } from "../../domain/timeline-path.ts";
import type { Target, TargetRequest } from "../../domain/target.ts";
import type { TransactionEnd } from "../../domain/wal-event.ts";
import { findFirstAfter, firstCommitIn, findRestorePoint, findTransaction } from "./find-in-wal.ts";
import type { WalEnd } from "./wal-end.ts";
import { recordFrom, type WalPath } from "./wal-path.ts";

/** Segments that are read at most for what is nice to know: counts, floors, a neighbour. */
export const readLimit = 256;

/**
 * Where recovery stops. A time without a later commit, or a position past the last record, is stopped at by the
 * position of a record instead.
 */
export interface Stop {
  /** First byte that is not replayed. */
  readonly stopAt: Lsn;
  /** The last commit that is kept where that is known already. */
  readonly lastCommit: TransactionEnd | null;
  readonly by: StopBy;
  /** The record that is stopped at or before, where it is known. */
  readonly record: Lsn | null;
  readonly warnings: readonly string[];
}

export const unreadableEnd = {
  refusal: "unreadable-wal",
  message: "no commit was found in the newest wal, so it is unknown how far it reaches",
  next: "Choose a target by --target-lsn or --target-name, or recover everything with --latest.",
} as const satisfies PlanRefusal;

/** Looks for the target in one reach; null when it is not in there (another reach may have it). */
export async function findStop(
  path: WalPath,
  reach: Reach,
  end: WalEnd,
  request: TargetRequest,
): Promise<Stop | PlanRefusal | null> {
  const range: LsnRange = { from: reach.from, until: end.end };
  const { target, inclusive } = request;
  switch (target.kind) {
    case "time":
      return byTime(path, range, end, target, inclusive);
    case "xid":
      return byXid(path, range, target, inclusive);
    case "lsn":
      return byLsn(path, range, end, target.lsn, inclusive);
    case "name": {
      const mark = await findRestorePoint(path, range, target.name);
      return mark === null
        ? null
        : { stopAt: mark.endLsn, lastCommit: null, by: { kind: "request" }, record: mark.lsn, warnings: [] };
    }
    case "immediate":
    case "latest":
    default:
      return {
        stopAt: end.end,
        lastCommit: end.lastCommit === "unknown" ? null : end.lastCommit,
        by: { kind: "end" },
        record: end.lastRecord,
        warnings: [],
      };
  }
}

async function byTime(
  path: WalPath,
  range: LsnRange,
  end: WalEnd,
  target: Extract<Target, { kind: "time" }>,
  inclusive: boolean,
): Promise<Stop | PlanRefusal | null> {
  const first = await findFirstAfter(path, range, target.time, inclusive);
  if (first !== null)
    return { stopAt: first.lsn, lastCommit: null, by: { kind: "request" }, record: first.lsn, warnings: [] };
  if (end.lastCommit === "unknown") return unreadableEnd;
  const isCovered = end.provenUntil !== null && target.time <= end.provenUntil;
  if (!isCovered) return null;
  // Nothing was committed after it, so PostgreSQL would find nothing to stop at and give up at the end of the WAL.
  const last = end.lastDecision;
  if (last === null)
    return {
      stopAt: end.end,
      lastCommit: null,
      by: { kind: "immediate" },
      record: null,
      warnings: [`nothing was committed between the backup and ${formatInstant(target.time)}`],
    };
  return {
    stopAt: last.endLsn,
    lastCommit: end.lastCommit,
    by: { kind: "lsn", lsn: last.lsn, inclusive: true },
    record: last.lsn,
    warnings: [
      `nothing was committed after ${formatInstant(target.time)}: recovery stops at the last commit${end.lastCommit === null ? "" : `, ${formatInstant(end.lastCommit.at)}`}, which is the same state`,
    ],
  };
}

async function byXid(
  path: WalPath,
  range: LsnRange,
  { xid }: Extract<Target, { kind: "xid" }>,
  inclusive: boolean,
): Promise<Stop | null> {
  const end = await findTransaction(path, range, xid);
  if (end === null) return null;
  const warnings = end.kind === "abort" ? [`transaction ${xid} was rolled back: it changed nothing`] : [];
  return {
    stopAt: inclusive ? end.endLsn : end.lsn,
    lastCommit: inclusive && end.kind === "commit" ? end : null,
    by: { kind: "request" },
    record: end.lsn,
    warnings,
  };
}

/**
 * The first record that begins at or after a position is the last one that is replayed, or the first one that is not
 * (recoveryStopsAfter and recoveryStopsBefore in xlogrecovery.c); at the very end there is none, so the last record
 * stands for it.
 */
async function byLsn(path: WalPath, range: LsnRange, end: WalEnd, at: Lsn, inclusive: boolean): Promise<Stop | null> {
  if (at > end.end || at < range.from) return null;
  if (end.lastRecord !== null && at > end.lastRecord) {
    return {
      stopAt: end.end,
      lastCommit: end.lastCommit === "unknown" ? null : end.lastCommit,
      by: { kind: "lsn", lsn: end.lastRecord, inclusive: true },
      record: end.lastRecord,
      warnings: [],
    };
  }
  const record = (await recordFrom(path, at, range.until)) ?? at;
  const next = inclusive ? await recordFrom(path, lsn(record + 1n), range.until) : null;
  const stopAt = inclusive ? (next ?? range.until) : record;
  const commit = inclusive ? await firstCommitIn(path, { from: record, until: range.until }, 1) : null;
  const kept = commit?.lsn === record ? commit : null;
  return { stopAt, lastCommit: kept, by: { kind: "request" }, record, warnings: [] };
}

/** The moment or position a target names, for messages. */
export function describeTarget({ target, inclusive }: TargetRequest): string {
  const before = inclusive ? "" : "before ";
  switch (target.kind) {
    case "time":
      return before + formatInstant(target.time);
    case "xid":
      return `${before}transaction ${target.xid}`;
    case "lsn":
      return before + formatLsn(target.lsn);
    case "name":
      return `restore point ${JSON.stringify(target.name)}`;
    case "immediate":
    case "latest":
    default:
      return target.kind === "latest" ? "the newest commit" : "the end of the backup";
  }
}
