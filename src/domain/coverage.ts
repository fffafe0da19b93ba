import type { Instant } from "./instant.ts";
import type { Lsn } from "./lsn.ts";
import type { SegmentNumber, TimelineId } from "./segment.ts";
import type { TimelineHistory } from "./timeline.ts";

/** An unbroken run of stored segments on one timeline, both ends included. */
export interface SegmentRange {
  readonly timeline: TimelineId;
  readonly from: SegmentNumber;
  readonly until: SegmentNumber;
}

/** All the WAL of one system that a place holds: ranges sorted by timeline and number, never overlapping or touching. */
export interface WalInventory {
  readonly systemIdentifier: string;
  readonly segmentSize: number;
  readonly ranges: readonly SegmentRange[];
  readonly histories: readonly TimelineHistory[];
  /** Names of stored .backup and .partial files, and of histories that cannot be read. */
  readonly others: readonly string[];
  /** Which of the ranges' segments must be rehydrated before they can be read, as ranges; absent where none is. Of one place only. */
  readonly cold?: readonly SegmentRange[];
}

/** A stretch of time every moment of which can be reached. */
export interface RecoveryWindow {
  readonly cluster: string;
  readonly repository: string;
  readonly systemIdentifier: string;
  readonly timeline: TimelineId;
  readonly from: { readonly at: Instant; readonly lsn: Lsn; readonly point: string };
  /** The last commit in unbroken WAL; `at` and `xid` null where the WAL could not be read or holds no commit. */
  readonly until: { readonly at: Instant | null; readonly lsn: Lsn; readonly xid: number | null };
}

/** Segments that are missing between stored ones. */
export interface Hole {
  readonly timeline: TimelineId;
  readonly fromSegment: string;
  readonly toSegment: string;
}
