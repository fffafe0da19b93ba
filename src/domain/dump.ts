/** Which parts of a database are dumped: pg_dump's patterns; all empty: everything. */
export interface DumpFilters {
  readonly schemas: readonly string[];
  readonly excludeSchemas: readonly string[];
  readonly tables: readonly string[];
  readonly excludeTables: readonly string[];
}

/** Whether a dump is of a part of its database only. */
export function isPartial(filters: DumpFilters): boolean {
  return Object.values(filters).some((patterns) => patterns.length > 0);
}

/** One database in a dump. */
export interface DumpedDatabase {
  /** "" where the dump does not say whose it is. */
  readonly name: string;
  /** In the server that was dumped; 0: not known. */
  readonly oid: number;
  /** As the server names it, UTF8; "": not known. */
  readonly encoding: string;
  /** Bytes of its files when it was dumped; 0: not known. */
  readonly bytes: number;
  /** How pg_dump wrote it: an archive for pg_restore (custom, tar, directory) or SQL for psql (plain, cluster). */
  readonly format: "custom" | "tar" | "directory" | "plain" | "cluster";
  /** The object with its archive. */
  readonly object: string;
  /** The object that says what was in it; null: there is none. */
  readonly catalog: string | null;
  readonly filters: DumpFilters;
}

/** What was in a database, as it was dumped: taken in the dump's own snapshot. */
export interface DumpCatalog {
  readonly schema: "pgrescue.dump-catalog/v1";
  /** ISO 8601 UTC. */
  readonly takenAt: string;
  /** server_version_num. */
  readonly postgresVersion: number;
  readonly database: string;
  readonly owner: string;
  readonly encoding: string;
  readonly collate: string;
  readonly ctype: string;
  readonly extensions: readonly { readonly name: string; readonly version: string; readonly schema: string }[];
  readonly schemas: readonly string[];
  /** Every table with rows of its own, partitions and materialized views among them, by schema and name. */
  readonly tables: readonly TableContent[];
  /** Number of large objects; null: not known. */
  readonly largeObjects: number | null;
  /** How `fingerprint` was made; null: none was asked for. */
  readonly fingerprintMethod: string | null;
}

/** What was in a table. */
export interface TableContent {
  readonly schema: string;
  readonly name: string;
  readonly kind: "table" | "partition" | "materialized-view";
  /** Exact; null: it was not counted. */
  readonly rows: number | null;
  /** 32 hex digits, the same for the same rows in any order; null: none was asked for. */
  readonly fingerprint: string | null;
  /** Columns that the fingerprint leaves out: their text depends on the server's own numbers. */
  readonly leftOut: readonly string[];
}

/**
 * The name under which a database's objects are stored: its own where that is safe in every store, else by its oid.
 * No two databases of a server get the same one.
 */
export function storedName(database: string, oid: number): string {
  const isSafe =
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/.test(database) && !/^(?:globals|catalog|begin|dump|oid-\d+)$/.test(database);
  return isSafe ? database : `oid-${oid}`;
}
