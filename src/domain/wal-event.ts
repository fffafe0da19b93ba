import type { Instant } from "./instant.ts";
import type { Lsn } from "./lsn.ts";
import type { SegmentNumber, TimelineId } from "./segment.ts";

/** Where a record lies: its first byte, and the first byte after it. */
interface Place {
  readonly lsn: Lsn;
  readonly endLsn: Lsn;
}

/** The end of a transaction: what time and xid targets are compared with. For prepared ones the xid that was prepared. */
export interface TransactionEnd extends Place {
  readonly kind: "commit" | "abort";
  readonly xid: number;
  readonly at: Instant;
  readonly prepared: boolean;
  /** The database it ran in; null where the record does not say. */
  readonly database: number | null;
  /** Files that go at commit: DROP, TRUNCATE, rewrites, and temporary tables. */
  readonly droppedRelations: number;
  /** Dropped statistics entries (PG >= 15): above zero with dropped relations means DROP rather than TRUNCATE. */
  readonly droppedStatistics: number;
}

/** What the WAL tells and recovery cares about; everything else is passed over. */
export type WalEvent =
  | TransactionEnd
  | (Place & {
      readonly kind: "checkpoint";
      readonly redo: Lsn;
      readonly timeline: TimelineId;
      readonly previousTimeline: TimelineId;
      readonly at: Instant;
      readonly online: boolean;
      readonly nextXid: bigint;
    })
  | (Place & {
      /** PREPARE TRANSACTION: from here on it outlives a crash. */
      readonly kind: "prepare";
      readonly xid: number;
      readonly at: Instant;
    })
  | (Place & { readonly kind: "restore-point"; readonly name: string; readonly at: Instant })
  | (Place & { readonly kind: "parameters"; readonly floors: { readonly [name: string]: number } })
  | (Place & {
      readonly kind: "end-of-recovery";
      readonly timeline: TimelineId;
      readonly previousTimeline: TimelineId;
      readonly at: Instant;
    })
  | (Place & { readonly kind: "backup-end"; readonly startLsn: Lsn })
  | (Place & {
      readonly kind: "database-created" | "database-dropped";
      readonly xid: number;
      readonly database: number;
    })
  | (Place & {
      readonly kind: "shared-row";
      readonly action: "inplace" | "delete";
      readonly xid: number;
      readonly relation: number;
      readonly block: number;
      readonly offset: number;
    });

/** What the records that begin in one segment say. */
export interface SegmentSummary {
  readonly timeline: TimelineId;
  readonly number: SegmentNumber;
  readonly major: number;
  readonly systemIdentifier: string;
  /** In the order of the WAL. */
  readonly events: readonly WalEvent[];
  /** Position of the first and the last valid record that begins here; null when none does. */
  readonly firstRecord: Lsn | null;
  readonly lastRecord: Lsn | null;
  /** Where the first record says its predecessor is; null when no record begins here. */
  readonly previousRecord: Lsn | null;
  /** First byte after what is valid: the segment's end when it is complete. */
  readonly end: Lsn;
  /** Whether the WAL goes on in the next segment. */
  readonly complete: boolean;
  /** Why it does not, in a few words; null when it is complete. */
  readonly ended: string | null;
}
