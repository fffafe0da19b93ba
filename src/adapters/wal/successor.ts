import { parseWalFileName, segmentName, segmentNumberOf, type SegmentNumber } from "../../domain/segment.ts";
import type { TimelineHistory } from "../../domain/timeline.ts";

/**
 * The segment that recovery asks for after `name`: PostgreSQL takes the newest timeline of the target's history that has
 * begun by then. null when `name` is not a segment of this size.
 */
export function segmentAfter(name: string, segmentSize: number, target: TimelineHistory | null): string | null {
  const file = parseWalFileName(name);
  const number = segmentNumberOf(name, segmentSize);
  if (file?.kind !== "segment" || number === null) return null;
  const next = (number + 1n) as SegmentNumber;
  let timeline = file.timeline;
  for (const [at, step] of (target?.switches ?? []).entries()) {
    const child = target?.switches[at + 1]?.parent ?? target?.timeline ?? timeline;
    if (step.parent >= timeline && step.switchedAt / BigInt(segmentSize) <= next) timeline = child;
  }
  return segmentName(timeline, next, segmentSize);
}
