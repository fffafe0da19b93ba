import type { DumpCatalog, TableContent } from "../../../domain/dump.ts";
import { formatInstant, type Instant } from "../../../domain/instant.ts";
import type { DumpRequest } from "../../../ports/dump.ts";
import type { Sql } from "../../../ports/sql.ts";
import { contentOf, fingerprintMethod, listTables, type Table } from "./contents.ts";
import type { DatabaseFacts, DumpFacts } from "./dump-facts.ts";

/** A database as it is in a snapshot, before its rows are counted. */
export interface DescribedDatabase {
  readonly tables: readonly Table[];
  readonly catalog: DumpCatalog;
  /** Counts what was asked for, table by table, in the snapshot. `only`: names as `schema.name`; null: all. */
  count(
    proof: DumpRequest["proof"],
    only: ReadonlySet<string> | null,
    signal: AbortSignal,
  ): Promise<readonly TableContent[]>;
}

/** Describes a database through a session that is in `beginSnapshot`'s transaction. */
export async function describeContents(
  sql: Sql,
  database: DatabaseFacts,
  facts: Pick<DumpFacts, "version">,
  now: Instant,
): Promise<DescribedDatabase> {
  const tables = await listTables(sql);
  return {
    tables,
    catalog: {
      schema: "pgrescue.dump-catalog/v1",
      takenAt: formatInstant(now),
      postgresVersion: facts.version,
      database: database.name,
      owner: database.owner,
      encoding: database.encoding,
      collate: database.collate,
      ctype: database.ctype,
      extensions: await extensionsIn(sql),
      schemas: await schemasIn(sql),
      tables: [],
      largeObjects: await largeObjectsIn(sql),
      fingerprintMethod: null,
    },
    count: async (proof, only, signal) => {
      const counted: TableContent[] = [];
      for (const table of tables) {
        if (only !== null && !only.has(`${table.schema}.${table.name}`)) continue;
        signal.throwIfAborted();
        counted.push(
          proof === "none"
            ? { schema: table.schema, name: table.name, kind: table.kind, rows: null, fingerprint: null, leftOut: [] }
            : await contentOf(sql, table, database.encoding, { fingerprint: proof === "fingerprint" }),
        );
      }
      return counted;
    },
  };
}

async function extensionsIn(sql: Sql): Promise<DumpCatalog["extensions"]> {
  return sql.query<{ name: string; version: string; schema: string }>(
    `select e.extname as name, e.extversion as version, n.nspname as schema
     from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace order by e.extname collate "C"`,
  );
}

async function schemasIn(sql: Sql): Promise<readonly string[]> {
  const rows = await sql.query<{ name: string }>(
    `select nspname as name from pg_catalog.pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema' order by nspname collate "C"`,
  );
  return rows.map(({ name }) => name);
}

async function largeObjectsIn(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ count: string }>(
    "select pg_catalog.count(*)::text as count from pg_catalog.pg_largeobject_metadata",
  );
  return Number(row?.count ?? 0);
}

/** The name of the method for a proof; null where no fingerprints are made. */
export function methodOf(proof: DumpRequest["proof"]): string | null {
  return proof === "fingerprint" ? fingerprintMethod : null;
}
