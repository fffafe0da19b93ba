import type { Instant } from "./instant.ts";
import type { Lsn } from "./lsn.ts";
import type { TimelineId } from "./segment.ts";

/** Where recovery shall stop, as the operator said it. Exactly one; PostgreSQL refuses two. */
export type Target =
  | { readonly kind: "time"; readonly time: Instant }
  | { readonly kind: "xid"; readonly xid: number }
  | { readonly kind: "lsn"; readonly lsn: Lsn }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "immediate" }
  | { readonly kind: "latest" };

export interface TargetRequest {
  readonly target: Target;
  /** recovery_target_inclusive; false undoes the transaction that is named. */
  readonly inclusive: boolean;
  /** null: found from the archive, then written explicitly. */
  readonly timeline: TimelineId | null;
}

/**
 * A target found in the WAL. All positions are the WAL's own.
 * `stopAt`: first byte that is not replayed; null for `immediate` (known only when the backup is chosen).
 */
export interface ResolvedTarget {
  readonly request: TargetRequest;
  readonly timeline: TimelineId;
  readonly stopAt: Lsn | null;
  /** The last commit that is kept, where known. */
  readonly lastCommit: CommitInfo | null;
  /** The first commit that is lost, where there is one. */
  readonly firstLost: CommitInfo | null;
  /** Commits after the target on the same timeline: what rewinding production would lose. null: unknown. */
  readonly lostCommits: number | null;
  /** What goes into the recovery settings: may differ from the request (a time without a later commit becomes an LSN). */
  readonly settings: RecoverySettings;
}

export interface CommitInfo {
  readonly xid: number;
  readonly at: Instant;
  /** Start of the commit record. */
  readonly lsn: Lsn;
  /** First byte after the commit record. */
  readonly endLsn: Lsn;
}

/** The recovery_target_* parameters, by PostgreSQL's names. The timeline is always explicit. */
export interface RecoverySettings {
  readonly recovery_target_timeline: string;
  readonly recovery_target_action: "pause" | "promote" | "shutdown";
  readonly recovery_target_inclusive?: "on" | "off";
  readonly recovery_target_time?: string;
  readonly recovery_target_xid?: string;
  readonly recovery_target_lsn?: string;
  readonly recovery_target_name?: string;
  readonly recovery_target?: "immediate";
}
