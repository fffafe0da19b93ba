import type { SegmentRange, WalInventory } from "../coverage.ts";
import { lsn, type Lsn } from "../lsn.ts";
import type { RecoveryPoint } from "../recovery-point.ts";
import { segmentOf, type SegmentNumber } from "../segment.ts";
import type { PointDecision } from "./judge-points.ts";

/** What is decided of a run of stored segments, and why. */
export interface WalDecision extends SegmentRange {
  readonly action: "keep" | "delete";
  readonly reason: string;
}

/** Segments on one timeline that something needs; `until` null: all that follow, on every timeline. */
interface Need {
  readonly timeline: number | null;
  readonly from: SegmentNumber;
  readonly until: SegmentNumber | null;
  readonly reason: string;
}

/**
 * Decides about every stored segment of one system. Points with a window keep all WAL from their start on, on every
 * timeline; other kept points keep what makes them consistent. The buffer keeps WAL from the last backup (kept or not)
 * that began at least that long before the oldest window does. With no kept base backup at all nothing is deleted:
 * WAL alone may be all there is; neither where a kept one is archived with its description.
 */
export function judgeWal(
  inventory: WalInventory,
  decisions: readonly PointDecision[],
  bufferSeconds: number,
): readonly WalDecision[] {
  const physical = decisions.filter(({ point }) => point.kind === "base" || point.kind === "incremental");
  const unplaced = physical.find(
    ({ action, point }) => action === "keep" && isUsable(point) && point.segmentSize === 0,
  );
  if (unplaced !== undefined)
    return inventory.ranges.map((range) => ({
      ...range,
      action: "keep",
      reason: `${unplaced.point.id} is archived and cannot say what it needs`,
    }));
  const needs = needsOf(
    physical.filter((d) => d.action === "keep" && isUsable(d.point)),
    physical.map((d) => d.point),
    inventory.segmentSize,
    bufferSeconds,
  );
  return inventory.ranges.flatMap((range) => (needs === null ? [keepAll(range)] : divide(range, needs)));
}

function needsOf(
  kept: readonly PointDecision[],
  all: readonly RecoveryPoint[],
  segmentSize: number,
  bufferSeconds: number,
): readonly Need[] | null {
  const oldest = kept.filter((d) => d.isWindow).sort((a, b) => compare(a.point.startLsn, b.point.startLsn))[0]?.point;
  if (oldest === undefined) return null;
  const needs: Need[] = [];
  const begin = bufferStart(oldest, all, bufferSeconds);
  needs.push({
    timeline: null,
    from: segmentOf(oldest.startLsn, segmentSize),
    until: null,
    reason: `the window that begins with ${oldest.id}`,
  });
  if (begin < oldest.startLsn)
    needs.push({
      timeline: null,
      from: segmentOf(begin, segmentSize),
      until: null,
      reason: `the buffer before the window that begins with ${oldest.id}`,
    });
  for (const { point } of kept) {
    if (point.walIncluded) continue;
    needs.push({
      timeline: point.timeline,
      from: segmentOf(point.startLsn, segmentSize),
      until: segmentOf(lastByte(point), segmentSize),
      reason: `${point.id} needs it to be consistent`,
    });
  }
  return needs;
}

/** Where the buffer begins: the start of the newest backup that is old enough; the very beginning where none is. */
function bufferStart(oldest: RecoveryPoint, all: readonly RecoveryPoint[], bufferSeconds: number): Lsn {
  if (bufferSeconds <= 0) return oldest.startLsn;
  if (!Number.isFinite(bufferSeconds)) return lsn(0n);
  const latest = oldest.startedAt - BigInt(Math.round(bufferSeconds)) * 1_000_000n;
  const before = all
    .filter((p) => isUsable(p) && p.startedAt <= latest && p.startLsn <= oldest.startLsn)
    .sort((a, b) => compare(a.startLsn, b.startLsn))
    .at(-1);
  return before?.startLsn ?? lsn(0n);
}

/** Cuts a stored range at the borders of what is needed. */
function divide(range: SegmentRange, needs: readonly Need[]): WalDecision[] {
  const on = needs.filter((n) => n.timeline === null || n.timeline === range.timeline);
  const cuts = new Set<bigint>([range.from]);
  for (const need of on)
    for (const cut of [need.from, need.until === null ? null : need.until + 1n])
      if (cut !== null && range.from < cut && cut <= range.until) cuts.add(cut);
  const starts = [...cuts].sort(compare);
  const pieces: WalDecision[] = [];
  starts.forEach((start, at) => {
    const from = start as SegmentNumber;
    const until = ((starts[at + 1] ?? range.until + 1n) - 1n) as SegmentNumber;
    const need = on.find((n) => n.from <= from && (n.until === null || until <= n.until));
    const action = need === undefined ? "delete" : "keep";
    const reason = need?.reason ?? "before every window and needed by no kept backup";
    const last = pieces.at(-1);
    if (last !== undefined && last.action === action && last.reason === reason)
      pieces[pieces.length - 1] = { ...last, until };
    else pieces.push({ timeline: range.timeline, from, until, action, reason });
  });
  return pieces;
}

function keepAll(range: SegmentRange): WalDecision {
  return { ...range, action: "keep", reason: "no kept base backup says from where on it is needed" };
}

/** A stop LSN at a segment's very start needs nothing of that segment. */
function lastByte(point: RecoveryPoint): Lsn {
  return point.stopLsn > point.startLsn ? ((point.stopLsn - 1n) as Lsn) : point.startLsn;
}

function isUsable(point: RecoveryPoint): boolean {
  return point.status === "ok" || point.status === "archived";
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
