import type { Json } from "../domain/brand.ts";
import type { SegmentRange } from "../domain/coverage.ts";
import type { Instant } from "../domain/instant.ts";
import type { RecoveryPoint } from "../domain/recovery-point.ts";
import type { Hold } from "../domain/retention/hold.ts";
import type { Progress } from "./progress.ts";

/**
 * What a repository offers to whoever decides how long its content stays. It removes what it is told and decides nothing.
 * Errors as in ObjectStore; a store that refuses to delete (a lock, a missing right) makes it throw.
 */
export interface Keeping {
  /** Every hold of a cluster, those that have ended too. */
  holds(cluster: string): Promise<readonly Hold[]>;
  /** Puts a hold in force; an earlier one of the same run, or of a person on the same point, is replaced. */
  hold(hold: Hold): Promise<void>;
  /** Ends a hold; false when there was none. */
  release(hold: Pick<Hold, "cluster" | "point" | "run">): Promise<boolean>;
  /** The policy that was last applied here; null: none yet. */
  appliedPolicy(cluster: string): Promise<Json | null>;
  recordPolicy(cluster: string, policy: Json): Promise<void>;
  /** Removes a point with all that lies in its place: its commit document first, so that it vanishes as a whole. */
  removePoint(point: RecoveryPoint, signal: AbortSignal): AsyncIterable<Progress>;
  /** Removes stored segments, oldest first, with the .backup and .partial files that are named after them. */
  removeWal(
    place: { readonly cluster: string; readonly systemIdentifier: string; readonly segmentSize: number },
    range: SegmentRange,
    signal: AbortSignal,
  ): AsyncIterable<Progress>;
  /** Removes uploads that were begun before `before` and never finished; gives their names. */
  sweep(before: Instant): AsyncIterable<string>;
}
