import type { Lsn } from "./lsn.ts";
import type { TransactionEnd, WalEvent } from "./wal-event.ts";

/**
 * A DROP DATABASE: from `from` on the database is marked invalid or its files are gone, but only `commit` makes that a
 * dropped database. Recovery that stops in between ends with one that nobody can connect to (datconnlimit = -2).
 */
export interface DroppedDatabase {
  readonly database: number;
  readonly xid: number;
  readonly from: Lsn;
  readonly commit: TransactionEnd;
}

/**
 * Finds the DROP DATABASEs in a stretch of WAL. The row of pg_database is first updated in place (15.4, 14.9, 13.12,
 * 12.16 and later), then deleted by the transaction that drops the directory: both name the same row.
 */
export function findDroppedDatabases(events: readonly WalEvent[]): DroppedDatabase[] {
  const inPlace = new Map<string, Lsn>();
  const marked = new Map<number, Lsn>();
  const dropped = new Map<number, { readonly database: number; readonly from: Lsn }[]>();
  const found: DroppedDatabase[] = [];
  for (const event of events) {
    if (event.kind === "shared-row") {
      const row = `${event.relation} ${event.block} ${event.offset}`;
      if (event.action === "inplace") inPlace.set(row, event.lsn);
      const from = inPlace.get(row);
      if (event.action === "delete" && from !== undefined) marked.set(event.xid, from);
    } else if (event.kind === "database-dropped") {
      dropped.set(event.xid, [
        ...(dropped.get(event.xid) ?? []),
        { database: event.database, from: marked.get(event.xid) ?? event.lsn },
      ]);
    } else if (event.kind === "commit") {
      // In PostgreSQL 12 and 13 there is one record for each tablespace of the database.
      const [first] = dropped.get(event.xid) ?? [];
      if (first !== undefined) found.push({ ...first, xid: event.xid, commit: event });
    }
  }
  return found;
}

/** The DROP DATABASE that a stop at `stopAt` (first byte not replayed) would leave half done; null: none. */
export function halfDropped(drops: readonly DroppedDatabase[], stopAt: Lsn): DroppedDatabase | null {
  return drops.find((drop) => drop.from < stopAt && stopAt <= drop.commit.lsn) ?? null;
}
