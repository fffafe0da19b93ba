import type { WalInventory } from "../../domain/coverage.ts";
import { floorsAfter } from "../../domain/floors.ts";
import { findDroppedDatabases, halfDropped } from "../../domain/drop-database.ts";
import { formatInstant, type Instant } from "../../domain/instant.ts";
import { formatLsn, lsn, type Lsn } from "../../domain/lsn.ts";
import { pointBefore, reachesAlong, type Reach } from "../../domain/reach.ts";
import type { RecoveryPoint } from "../../domain/recovery-point.ts";
import { isRefusal, type PlanRefusal } from "../../domain/refusal.ts";
import type { TimelineId } from "../../domain/segment.ts";
import { coveredAlong } from "../../domain/timeline-path.ts";
import type { TargetRequest } from "../../domain/target.ts";
import type { TransactionEnd, WalEvent } from "../../domain/wal-event.ts";
import type { WalReader, WalSource } from "../../ports/wal-reader.ts";
import { countCommits, eventsOf, firstCommitIn } from "./find-in-wal.ts";
import { findStop, readLimit, type Stop } from "./find-stop.ts";
import { notReached } from "./not-reached.ts";
import { findWalEnd, type WalEnd } from "./wal-end.ts";
import { isTransactionEnd, lastCommitIn, openPath, type WalPath } from "./wal-path.ts";

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
  const last = end.lastCommit;
  return {
    ...stop,
    by: last === null || last === "unknown" ? { kind: "immediate" } : { kind: "lsn", lsn: last.lsn, inclusive: true },
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
  const events = await eventsOf(path, { from: point.startLsn, until: point.stopLsn }, readLimit);
  // A checkpoint's time has whole seconds and was read just before its redo point.
  return events?.some((e) => "at" in e && e.at + (e.kind === "checkpoint" ? 1_000_000n : 0n) <= time) ?? false;
}

async function complete(
  path: WalPath,
  reach: Reach,
  end: WalEnd,
  point: RecoveryPoint,
  found: Stop,
  request: TargetRequest,
): Promise<FoundTarget | PlanRefusal> {
  const events = await eventsOf(path, { from: point.startLsn, until: found.stopAt }, readLimit);
  const stop = atConsistency(notEarlier(found, request, point, events), point);
  const before = { from: reach.from, until: stop.stopAt };
  const after = { from: stop.stopAt, until: end.end };
  const last = stop.lastCommit ?? (await lastCommitIn(path, before, readLimit));
  const lastCommit = last === "unknown" ? null : last;
  const halfDone = await halfDroppedAt(path, reach, end, stop.stopAt);
  if (halfDone !== null) return halfDone;
  const floors = events === null ? null : floorsAfter({}, events);
  return {
    path,
    reach,
    end,
    point,
    stop,
    lastCommit,
    floors,
    firstLost: await firstCommitIn(path, after, readLimit),
    lostCommits: await countCommits(path, after, readLimit),
  };
}

/**
 * PostgreSQL takes the first match after the backup's start. Where an earlier one exists (a name used twice, a clock that
 * went back), or it is not known, the position of the meant record is unmistakable.
 */
function notEarlier(
  stop: Stop,
  { target, inclusive }: TargetRequest,
  point: RecoveryPoint,
  events: readonly WalEvent[] | null,
): Stop {
  const { record } = stop;
  if (stop.by.kind !== "request" || record === null || (target.kind !== "time" && target.kind !== "name")) return stop;
  const matches = (e: WalEvent): boolean =>
    target.kind === "name"
      ? e.kind === "restore-point" && e.name === target.name
      : isTransactionEnd(e) && (inclusive ? e.at > target.time : e.at >= target.time);
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
function atConsistency(stop: Stop, point: RecoveryPoint): Stop {
  if (stop.by.kind !== "lsn" || stop.by.lsn >= point.stopLsn || stop.stopAt > point.stopLsn) return stop;
  return { ...stop, stopAt: point.stopLsn, by: { kind: "immediate" } };
}

/** Refuses a stop between the beginning and the commit of a DROP DATABASE, looking a few segments both ways. */
async function halfDroppedAt(path: WalPath, reach: Reach, end: WalEnd, stopAt: Lsn): Promise<PlanRefusal | null> {
  const near = BigInt(path.source.inventory.segmentSize) * 16n;
  const from = lsn(stopAt - near > reach.from ? stopAt - near : reach.from);
  const until = lsn(stopAt + near < end.end ? stopAt + near : end.end);
  const drop = halfDropped(findDroppedDatabases((await eventsOf(path, { from, until }, readLimit)) ?? []), stopAt);
  if (drop === null) return null;
  const earlier = await lastCommitIn(path, { from: reach.from, until: drop.from }, readLimit);
  const known = earlier === null || earlier === "unknown" ? null : earlier;
  return {
    refusal: "half-dropped-database",
    message: `recovery would stop inside the DROP DATABASE of transaction ${drop.xid}: the files of database ${drop.database} are gone before that commits`,
    next:
      known === null
        ? `Choose a position at or before ${formatLsn(drop.from)} with --target-lsn and --exclusive.`
        : `Choose the last earlier commit, included: --target-xid ${known.xid} (${formatInstant(known.at)}).`,
    ...(known === null ? {} : { nearest: { at: known.at, lsn: known.lsn, xid: known.xid } }),
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
