import type { Lease } from "../domain/lease.ts";

/** What lies in a lease's place, and a tag that changes with every writing. */
export interface SeenLease {
  /** null: nobody has it. */
  readonly lease: Lease | null;
  /** null: nobody ever had one. */
  readonly version: string | null;
}

/**
 * Where a repository keeps the lease of each cluster. It decides nothing. A lease is never deleted: writers may have no
 * right to. Errors as in ObjectStore, plus `damaged-data` for a lease that cannot be read.
 */
export interface Leasing {
  observe(cluster: string): Promise<SeenLease>;
  /**
   * Writes a lease, or that nobody has it (null), where nothing has changed since `seen` was; null where something has. What
   * was refused because nothing may be replaced there throws `credentials` or `precondition-refused`.
   */
  replace(cluster: string, lease: Lease | null, seen: SeenLease): Promise<SeenLease | null>;
}
