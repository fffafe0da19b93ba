import type { Instant } from "./instant.ts";
import type { Lsn } from "./lsn.ts";
import type { KeepRule } from "./retention/policy.ts";
import type { TimelineId } from "./segment.ts";

export type PointKind = "base" | "incremental" | "dump" | "files";
export type PointStatus = "ok" | "incomplete" | "not-restorable" | "damaged" | "archived";

/** Something that can be restored: one backup, of whatever format, as the repository describes it. */
export interface RecoveryPoint {
  readonly id: string;
  readonly kind: PointKind;
  readonly format: string;
  readonly repository: string;
  readonly cluster: string;
  readonly status: PointStatus;
  /** Why the status is not `ok`. */
  readonly reason?: string;
  readonly systemIdentifier: string;
  /** PostgreSQL's server_version_num, 150004 for 15.4. */
  readonly postgresVersion: number;
  readonly timeline: TimelineId;
  readonly startedAt: Instant;
  readonly finishedAt: Instant;
  /** Replay begins here (REDO point of the backup's checkpoint). */
  readonly startLsn: Lsn;
  /** The backup is consistent from here on. */
  readonly stopLsn: Lsn;
  readonly segmentSize: number;
  readonly parent?: string;
  readonly databases?: readonly string[];
  /** Bytes of the database files. */
  readonly bytes: number;
  /** Bytes in the store. */
  readonly storedBytes: number;
  readonly encrypted: boolean;
  readonly verifiedAt?: Instant;
  readonly tablespaces: readonly Tablespace[];
  /** Whether the WAL from startLsn to stopLsn lies inside the backup rather than in the archive. */
  readonly walIncluded: boolean;
  /** The run that took it, where the format says so: how a continued run finds what it already finished. */
  readonly run?: string;
  /** The retention rule that a backup taken by hand named for itself. */
  readonly keep?: KeepRule;
  /** The slot of a schedule that it was taken for; absent: by hand, or not known. */
  readonly slot?: string;
  /** What was wrong with the server's files while it was taken (pages with bad checksums, unreadable members). */
  readonly warnings?: readonly string[];
}

export interface Tablespace {
  readonly oid: number;
  readonly name: string;
  /** Where it was on the host that was backed up. */
  readonly location: string;
  readonly bytes: number;
}
