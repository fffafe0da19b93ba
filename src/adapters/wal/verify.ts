import type { Hole, SegmentRange, WalInventory } from "../../domain/coverage.ts";
import { PgrescueError } from "../../domain/errors.ts";
import {
  historyName,
  parseWalFileName,
  segmentName,
  type SegmentNumber,
  type TimelineId,
} from "../../domain/segment.ts";
import { forkOf } from "../../domain/timeline.ts";
import type { Progress } from "../../ports/progress.ts";
import type { WalArchive } from "../../ports/repository.ts";

/** What to read: everything, or only one timeline or a part of it; bounds are segment names, both included. */
export interface VerifyRange {
  readonly timeline: TimelineId | null;
  readonly from: string | null;
  readonly until: string | null;
}

export interface WalReport {
  /** Files whose content was read and is what was written. */
  readonly verified: number;
  readonly bytes: number;
  /** Files that are not what was written, or cannot be read as WAL; at most `damagedLimit` are named. */
  readonly damaged: readonly { readonly name: string; readonly found: string }[];
  readonly damagedCount: number;
  readonly holes: readonly Hole[];
  readonly timelines: readonly { readonly timeline: TimelineId; readonly from: string; readonly until: string }[];
}

const damagedLimit = 1000;
const parallel = 3;

/**
 * Reads every stored file in the range and compares it with its hash, its name and the system; finds the holes. Yields
 * progress in files and returns the report. Damage is a finding; anything else the storage does wrong is thrown.
 */
export async function* verifyWal(
  archive: WalArchive,
  range: VerifyRange,
  signal: AbortSignal,
): AsyncGenerator<Progress, WalReport> {
  const inventory = await archive.inventory();
  const ranges = inventory.ranges.filter((r) => range.timeline === null || r.timeline === range.timeline);
  const names = namesIn({ ...inventory, ranges }, range);
  let total = 0;
  for (const _ of namesIn({ ...inventory, ranges }, range)) total += 1;
  let done = 0;
  let verified = 0;
  let bytes = 0;
  let damagedCount = 0;
  const damaged: { name: string; found: string }[] = [];
  const check = async (name: string): Promise<void> => {
    try {
      const content = await archive.fetch(name);
      if (content === null) throw new PgrescueError("damaged-data", `${name} vanished while it was verified`);
      verified += 1;
      bytes += content.length;
    } catch (error) {
      if (!(error instanceof PgrescueError) || error.code !== "damaged-data") throw error;
      damagedCount += 1;
      if (damaged.length < damagedLimit) damaged.push({ name, found: error.message });
    }
    done += 1;
  };
  for (;;) {
    signal.throwIfAborted();
    const batch = takeFrom(names, parallel);
    if (batch.length === 0) break;
    await Promise.all(batch.map(check));
    yield { done, total, unit: "segments", doing: `read ${batch.at(-1)}` };
  }
  return {
    verified,
    bytes,
    damaged,
    damagedCount,
    holes: findHoles({ ...inventory, ranges }),
    timelines: outline(ranges, inventory.segmentSize),
  };
}

function* namesIn(inventory: WalInventory, range: VerifyRange): Generator<string> {
  const isIn = (name: string): boolean =>
    (range.from === null || name.slice(8, 24) >= range.from.slice(8, 24)) &&
    (range.until === null || name.slice(8, 24) <= range.until.slice(8, 24));
  for (const { timeline } of inventory.histories) yield historyName(timeline);
  for (const name of inventory.others) if (parseWalFileName(name)?.kind === "history" || isIn(name)) yield name;
  for (const { timeline, from, until } of inventory.ranges) {
    for (let number = from; number <= until; number = (number + 1n) as SegmentNumber) {
      const name = segmentName(timeline, number, inventory.segmentSize);
      if (isIn(name)) yield name;
    }
  }
}

/** The next `count` of an iterator, fewer at its end. */
function takeFrom(names: Iterator<string>, count: number): readonly string[] {
  const taken: string[] = [];
  while (taken.length < count) {
    const next = names.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
}

/** Segments missing between stored ones of a timeline, and before the point where a stored child left it. */
function findHoles({ ranges, histories, segmentSize }: WalInventory): readonly Hole[] {
  const holes: Hole[] = [];
  for (const [at, range] of ranges.entries()) {
    const next = ranges[at + 1];
    const end = next?.timeline === range.timeline ? next.from : forkedAfter(range.timeline);
    if (end === null || end <= range.until + 1n) continue;
    holes.push({
      timeline: range.timeline,
      fromSegment: segmentName(range.timeline, (range.until + 1n) as SegmentNumber, segmentSize),
      toSegment: segmentName(range.timeline, (end - 1n) as SegmentNumber, segmentSize),
    });
  }
  return holes;

  /** The segment of the last known fork from a timeline: all before it must exist on the timeline itself. */
  function forkedAfter(timeline: TimelineId): bigint | null {
    const forks = histories.flatMap((history) => forkOf(history, timeline) ?? []);
    return forks.reduce<bigint | null>((last, fork) => {
      const segment = fork / BigInt(segmentSize);
      return last === null || segment > last ? segment : last;
    }, null);
  }
}

function outline(ranges: readonly SegmentRange[], segmentSize: number): WalReport["timelines"] {
  const timelines = [...new Set(ranges.map((r) => r.timeline))];
  return timelines.map((timeline) => {
    const own = ranges.filter((r) => r.timeline === timeline);
    const first = own[0]?.from ?? (0n as SegmentNumber);
    const last = own.at(-1)?.until ?? first;
    return {
      timeline,
      from: segmentName(timeline, first, segmentSize),
      until: segmentName(timeline, last, segmentSize),
    };
  });
}
