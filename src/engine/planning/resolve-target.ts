import type { WalInventory } from "../../domain/coverage.ts";
import { floorsAfter } from "../../domain/floors.ts";
import type { Instant } from "../../domain/instant.ts";
import { formatLsn } from "../../domain/lsn.ts";
import { pointBefore, reachesAlong, type Reach } from "../../domain/reach.ts";
import type { RecoveryPoint } from "../../domain/recovery-point.ts";
import { isRefusal, type PlanRefusal } from "../../domain/refusal.ts";
import type { TimelineId } from "../../domain/segment.ts";
import { coveredAlong } from "../../domain/timeline-path.ts";
import type { TargetRequest } from "../../domain/target.ts";
import type { TransactionEnd, WalEvent } from "../../domain/wal-event.ts";
import type { WalReader, WalSource } from "../../ports/wal-reader.ts";
import { countCommits, eventsOf, firstCommitIn } from "./find-in-wal.ts";
import { avoidedDrop, halfDroppedAt, halfDroppedRefusal } from "./half-dropped.ts";
import { findStop, readLimit, type Stop } from "./find-stop.ts";
import { notReached } from "./not-reached.ts";
import { atConsistency, behindLastDecision, matchOf, notEarlier } from "./settle-stop.ts";
import { findWalEnd, type WalEnd } from "./wal-end.ts";
import { lastCommitIn, openPath, type WalPath } from "./wal-path.ts";

/** What is looked through for a target. `points`: as judged with `inventory`. */
export interface TargetWorld {
  /** What is read; may know more segments than `inventory`, those that lie inside backups. */
  readonly source: WalSource;
  /** What every recovery can fetch. */
  readonly inventory: WalInventory;
  readonly reader: WalReader;
  readonly points: readonly RecoveryPoint[];
  /** The WAL of that timeline is known to be complete until then, whatever it says itself. */
  readonly complete?: { readonly until: Instant; readonly timeline: TimelineId };
}

/** A target with the point to begin from. */
export interface FoundTarget {
  readonly path: WalPath;
  readonly reach: Reach;
  readonly end: WalEnd;
  readonly point: RecoveryPoint;
  readonly stop: Stop;
  readonly lastCommit: TransactionEnd | null;
  readonly firstLost: TransactionEnd | null;
  /** null: unknown. */
  readonly lostCommits: number | null;
  /** Parameters that were raised between the point and the target; null: too much WAL to look through. */
  readonly floors: { readonly [name: string]: number } | null;
}

/**
 * Finds a target in the WAL on the way to `timeline`, and the point whose end lies last before it with unbroken WAL in
 * between. Refusals say how far one can get. Throws `damaged-data` and store errors of the segments it must read.
 */
export async function findTarget(
  world: TargetWorld,
  timeline: TimelineId,
  request: TargetRequest,
): Promise<FoundTarget | PlanRefusal> {
  const path = openPath(world.source, world.reader, timeline);
  const reaches = reachesAlong(path.history, world.inventory, world.points);
  const newest = reaches.at(-1);
  if (newest === undefined) return noPoint(world.points, timeline);
  const ends: { readonly reach: Reach; readonly end: WalEnd }[] = [];
  const wanted =
    request.target.kind === "latest" || request.target.kind === "immediate" ? [newest] : reaches.toReversed();
  for (const reach of wanted) {
    const end = provenBy(
      await findWalEnd(path, { from: reach.from, until: reach.until }),
      reach === newest && world.complete?.timeline === timeline ? world.complete.until : null,
    );
    ends.unshift({ reach, end });
    const stop = request.target.kind === "immediate" ? immediate(newest) : await findStop(path, reach, end, request);
    if (stop === null) continue;
    if (isRefusal(stop)) return stop;
    const point = await beginning(path, reach, stop, request);
    if (point === null) continue;
    return complete(path, reach, end, point, beforeHole(path, reach, end, world, request, stop), request);
  }
  return notReached(path, ends, request);
}

function provenBy(end: WalEnd, until: Instant | null): WalEnd {
  return until === null || (end.provenUntil !== null && end.provenUntil > until) ? end : { ...end, provenUntil: until };
}

function immediate(reach: Reach): Stop {
  const stopAt = reach.points.at(-1)?.stopLsn ?? reach.from;
  return { stopAt, lastCommit: null, by: { kind: "immediate" }, record: null, warnings: [] };
}

/** A recovery of everything must not run into a hole, where PostgreSQL would give up: it stops at the last commit before it. */
function beforeHole(
  path: WalPath,
  reach: Reach,
  end: WalEnd,
  world: TargetWorld,
  { target }: TargetRequest,
  stop: Stop,
): Stop {
  const beyond = coveredAlong(path.history, world.inventory).find((r) => r.from > reach.until);
  if (target.kind !== "latest" || beyond === undefined) return stop;
  const last = end.lastDecision;
  return {
    ...stop,
    by: last === null ? { kind: "immediate" } : { kind: "lsn", lsn: last.lsn, inclusive: true },
    warnings: [
      `wal is missing from ${formatLsn(reach.until)} to ${formatLsn(beyond.from)}: what was committed later cannot be reached from any backup`,
    ],
  };
}

/** The point to begin from: the last that ends before the stop. For a time it must also be sure that none of its own commits is later. */
async function beginning(
  path: WalPath,
  reach: Reach,
  stop: Stop,
  { target }: TargetRequest,
): Promise<RecoveryPoint | null> {
  if (target.kind !== "time") {
    // The state at the end of a quiet backup is that at its last commit, which lies before it.
    return pointBefore(reach, stop.stopAt);
  }
  for (const point of reach.points.toReversed()) {
    const isQuietEnd = stop.by.kind === "lsn" || stop.by.kind === "immediate";
    if (point.stopLsn > stop.stopAt && !isQuietEnd) continue;
    if (target.time >= point.finishedAt || (await isTimeWithin(path, point, target.time))) return point;
  }
  return null;
}

/** Whether something that the WAL dates between a point's start and end is not later than `time`. */
async function isTimeWithin(path: WalPath, point: RecoveryPoint, time: Instant): Promise<boolean> {
  // A checkpoint's time has whole seconds and was read just before its redo point.
  const isBefore = (e: WalEvent): boolean => "at" in e && e.at + (e.kind === "checkpoint" ? 1_000_000n : 0n) <= time;
  let isFound = false;
  await eventsOf(path, { from: point.startLsn, until: point.stopLsn }, readLimit, (event) => {
    isFound ||= isBefore(event);
    return false;
  });
  return isFound;
}

async function complete(
  path: WalPath,
  reach: Reach,
  end: WalEnd,
  point: RecoveryPoint,
  found: Stop,
  request: TargetRequest,
): Promise<FoundTarget | PlanRefusal> {
  const matches = matchOf(request);
  const events = await eventsOf(
    path,
    { from: point.startLsn, until: found.stopAt },
    readLimit,
    (event) => event.kind === "parameters" || matches(event),
  );
  const asked = notEarlier(found, request, point, events);
  const stop = await behindLastDecision(path, atConsistency(asked, point), request, point);
  const before = { from: reach.from, until: stop.stopAt };
  const after = { from: stop.stopAt, until: end.end };
  const last = stop.lastCommit ?? (await lastCommitIn(path, before, readLimit));
  const lastCommit = last === "unknown" ? null : last;
  const range = { from: reach.from, until: end.end };
  const drop = await halfDroppedAt(path, range, stop.stopAt);
  if (drop !== null) return halfDroppedRefusal(path, range, drop);
  const avoided = stop.stopAt === asked.stopAt ? null : await halfDroppedAt(path, range, asked.stopAt);
  const floors = events === null ? null : floorsAfter({}, events);
  return {
    path,
    reach,
    end,
    point,
    stop: avoided === null ? stop : { ...stop, warnings: [...stop.warnings, avoidedDrop(avoided)] },
    lastCommit,
    floors,
    firstLost: await firstCommitIn(path, after, readLimit),
    lostCommits: await countCommits(path, after, readLimit),
  };
}

function noPoint(points: readonly RecoveryPoint[], timeline: TimelineId): PlanRefusal {
  const bad = points.findLast((p) => p.status !== "ok" && (p.kind === "base" || p.kind === "incremental"));
  return {
    refusal: "no-point",
    message:
      points.length === 0
        ? "no backup is stored"
        : bad === undefined
          ? `no base backup lies on the way to timeline ${timeline}`
          : `no base backup on the way to timeline ${timeline} can be restored; ${bad.id} is ${bad.status}${bad.reason === undefined ? "" : `: ${bad.reason}`}`,
    next: "Look at all repositories and timelines with `pgrescue points`.",
  };
}
