import type { RecoveryPoint } from "../../domain/recovery-point.ts";
import type { TargetRequest } from "../../domain/target.ts";
import type { WalEvent } from "../../domain/wal-event.ts";
import { readLimit, type Stop } from "./find-stop.ts";
import { isTransactionEnd, lastDecisionIn, type WalPath } from "./wal-path.ts";

/** What PostgreSQL would stop at for a time or a name; nothing for other targets, whose record is unmistakable. */
export function matchOf({ target, inclusive }: TargetRequest): (event: WalEvent) => boolean {
  if (target.kind === "name") return (e) => e.kind === "restore-point" && e.name === target.name;
  if (target.kind !== "time") return () => false;
  return (e) => isTransactionEnd(e) && (inclusive ? e.at > target.time : e.at >= target.time);
}

/**
 * PostgreSQL takes the first match after the backup's start. Where an earlier one exists (a name used twice, a clock that
 * went back), or it is not known, the position of the meant record is unmistakable.
 */
export function notEarlier(
  stop: Stop,
  request: TargetRequest,
  point: RecoveryPoint,
  events: readonly WalEvent[] | null,
): Stop {
  const { record } = stop;
  const { target } = request;
  if (stop.by.kind !== "request" || record === null || (target.kind !== "time" && target.kind !== "name")) return stop;
  const matches = matchOf(request);
  const earlier = events?.find((e) => e.lsn < record && matches(e));
  if (earlier === undefined && (events !== null || target.kind === "time")) return stop;
  if (target.kind === "name")
    return {
      ...stop,
      by: { kind: "lsn", lsn: record, inclusive: true },
      warnings:
        earlier === undefined
          ? stop.warnings
          : [
              ...stop.warnings,
              `restore point ${JSON.stringify(target.name)} was made more than once; the newest is meant`,
            ],
    };
  return record < point.stopLsn
    ? stop
    : {
        ...stop,
        by: { kind: "lsn", lsn: record, inclusive: false },
        warnings: [
          ...stop.warnings,
          "the server's clock went back before the target; recovery stops by position instead",
        ],
      };
}

/** A record before the backup's end cannot be stopped at; where nothing was committed in between the backup's own end is the same state. */
export function atConsistency(stop: Stop, point: RecoveryPoint): Stop {
  if (stop.by.kind !== "lsn" || stop.by.lsn >= point.stopLsn || stop.stopAt > point.stopLsn) return stop;
  return { ...stop, stopAt: point.stopLsn, by: { kind: "immediate" } };
}

/**
 * A time, and a transaction that is left out, are found by the first commit that is lost, and PostgreSQL stops right
 * before it, with that transaction still open: a DROP TABLE or TRUNCATE then holds its exclusive lock while recovery is
 * paused, and nobody can look at the table; a DROP DATABASE has removed the files. Stopping right after the last commit
 * that is kept gives the same data without either. Commits here are all that would outlive a crash: PREPARE TRANSACTION and
 * ROLLBACK PREPARED, too. Where nothing was decided since the backup, its own end is the same.
 */
export async function behindLastDecision(
  path: WalPath,
  stop: Stop,
  { target, inclusive }: TargetRequest,
  point: RecoveryPoint,
): Promise<Stop> {
  const { by } = stop;
  const isBeforeCommit = target.kind === "time" || (target.kind === "xid" && !inclusive);
  if (!isBeforeCommit || !(by.kind === "request" || (by.kind === "lsn" && !by.inclusive))) return stop;
  const until = target.kind === "time" ? target.time : null;
  const last = await lastDecisionIn(path, { from: point.stopLsn, until: stop.stopAt }, readLimit, until);
  if (last === "unknown") return stop;
  if (last === null) return { ...stop, stopAt: point.stopLsn, by: { kind: "immediate" } };
  return { ...stop, stopAt: last.endLsn, by: { kind: "lsn", lsn: last.lsn, inclusive: true } };
}
