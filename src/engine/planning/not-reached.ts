import { formatInstant, type Instant } from "../../domain/instant.ts";
import { formatLsn, lsn, type Lsn } from "../../domain/lsn.ts";
import type { Reach } from "../../domain/reach.ts";
import type { PlanRefusal } from "../../domain/refusal.ts";
import { firstGap } from "../../domain/standing.ts";
import { coveredAlong } from "../../domain/timeline-path.ts";
import type { TargetRequest } from "../../domain/target.ts";
import { describeTarget, unreadableEnd } from "./find-stop.ts";
import type { WalEnd } from "./wal-end.ts";
import type { WalPath } from "./wal-path.ts";

interface EndedReach {
  readonly reach: Reach;
  readonly end: WalEnd;
}

/** Says why no reach holds the target: it lies before all, after all, between two, or is not there at all. */
export function notReached(path: WalPath, ends: readonly EndedReach[], request: TargetRequest): PlanRefusal {
  const { target } = request;
  const oldest = ends[0];
  const newest = ends.at(-1);
  if (oldest === undefined || newest === undefined) return unreadableEnd;
  const what = describeTarget(request);
  if (target.kind === "xid" || target.kind === "name") {
    return {
      refusal: "not-found",
      message: `${what} is not in the wal that backups reach, ${formatLsn(oldest.reach.from)} to ${formatLsn(newest.end.end)} on timeline ${path.history.timeline}`,
      next:
        target.kind === "xid"
          ? "Check the id; it may be that of a subtransaction, or of a transaction that never ended."
          : "Check the name's spelling; `pgrescue points` shows the windows and timelines.",
    };
  }
  // The first reach that ends after the target: the target lies before what that one can give.
  const at = ends.findIndex(({ end }) =>
    target.kind === "lsn"
      ? target.lsn <= end.end
      : target.kind === "time" && timeOf(end) !== null && target.time <= (timeOf(end) as Instant),
  );
  if (at === -1) return tooLate(what, newest);
  const before = ends[at - 1];
  const after = ends[at];
  return before === undefined || after === undefined ? tooEarly(what, oldest) : inHole(path, what, before, after);
}

function timeOf(end: WalEnd): Instant | null {
  return end.provenUntil;
}

function tooLate(what: string, { reach, end }: EndedReach): PlanRefusal {
  const last = end.lastCommit;
  if (last === "unknown") return unreadableEnd;
  if (last === null) {
    return {
      refusal: "too-late",
      message: `${what} lies after the end of the stored wal, ${formatLsn(end.end)}, and nothing was committed since the backup`,
      next: "Restore the backup itself with --immediate.",
      nearest: { at: reach.points.at(-1)?.finishedAt ?? null, lsn: end.end, xid: null },
    };
  }
  return {
    refusal: "too-late",
    message: `${what} lies after the last commit in the stored wal, ${formatInstant(last.at)} (transaction ${last.xid}, ${formatLsn(last.lsn)})`,
    next: "Recover to that newest commit with --latest, or bring the wal that is missing (pg_switch_wal() on a running primary, pg_wal of a dead one) and try again.",
    nearest: { at: last.at, lsn: last.lsn, xid: last.xid },
  };
}

function tooEarly(what: string, { reach }: EndedReach): PlanRefusal {
  const first = reach.points[0];
  return {
    refusal: "too-early",
    message: `${what} lies before the end of the oldest backup that can be used${first === undefined ? "" : `, ${first.id}: ${formatInstant(first.finishedAt)} at ${formatLsn(first.stopLsn)}`}`,
    next: "The earliest moment that can be reached is the end of that backup (--immediate with --point); look for older backups in other repositories with `pgrescue points`.",
    ...(first === undefined ? {} : { nearest: { at: first.finishedAt, lsn: first.stopLsn, xid: null } }),
  };
}

function inHole(path: WalPath, what: string, before: EndedReach, after: EndedReach): PlanRefusal {
  const { inventory } = path.source;
  const covered = coveredAlong(path.history, inventory);
  const first: Lsn = after.reach.points[0]?.stopLsn ?? after.reach.from;
  const gap = firstGap(covered, lsn(before.end.end - 1n), first, path.history, inventory.segmentSize);
  const last = before.end.lastCommit;
  const missing =
    gap === null
      ? `between ${formatLsn(before.end.end)} and ${formatLsn(first)}`
      : gap.fromSegment === gap.toSegment
        ? `of segment ${gap.fromSegment}`
        : `of segments ${gap.fromSegment} to ${gap.toSegment}`;
  return {
    refusal: "hole",
    message: `${what} lies in a hole: the wal ${missing} is missing, and the next backup ends at ${formatLsn(first)}`,
    next: "Look for the missing segments in pg_wal of the primary or a standby and in other repositories, or choose a moment before or after the hole.",
    ...(last === null || last === "unknown" ? {} : { nearest: { at: last.at, lsn: last.lsn, xid: last.xid } }),
  };
}
