import type { Lsn } from "../../../domain/lsn.ts";
import { segmentName, segmentOf, type SegmentNumber, type TimelineId } from "../../../domain/segment.ts";

/** Names of the segments that make a backup consistent: from the one with `start` to the one with the last byte before `stop`. */
export function segmentsNeeded(timeline: TimelineId, start: Lsn, stop: Lsn, segmentSize: number): readonly string[] {
  const last = segmentOf((stop - 1n) as Lsn, segmentSize);
  const names: string[] = [];
  for (let at = segmentOf(start, segmentSize); at <= last; at = (at + 1n) as SegmentNumber)
    names.push(segmentName(timeline, at, segmentSize));
  return names;
}
