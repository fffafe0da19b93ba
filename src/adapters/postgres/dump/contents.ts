import type { TableContent } from "../../../domain/dump.ts";
import type { Sql } from "../../../ports/sql.ts";
import { quoteName } from "../../../domain/sql-name.ts";

/** How fingerprints are made; a change of anything in it needs another name. */
export const fingerprintMethod = "sha256-sum128/v1";

/** A table with rows of its own, before they are counted. */
export interface Table {
  readonly schema: string;
  readonly name: string;
  readonly kind: TableContent["kind"];
  /** Of its main file as last analyzed, for progress: asking for more would wait for a table that is locked. */
  readonly bytes: number;
  /** Columns whose text is stable, quoted, in order. */
  readonly columns: readonly string[];
  readonly leftOut: readonly string[];
}

/** Types whose text holds numbers of this very server (oids, transaction ids), and everything that is made of them. */
const unstableTypes = `with recursive unstable(oid) as (
  select t.oid from pg_catalog.pg_type t where t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
    and (t.typname in ('oid', 'oidvector', 'xid', 'xid8', 'cid', 'tid', 'aclitem', 'refcursor') or t.typname ~ '^reg')
  union
  select t.oid from unstable u join pg_catalog.pg_type t on t.typelem = u.oid or t.typbasetype = u.oid
    or (t.typtype = 'c' and exists (select from pg_catalog.pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped and a.atttypid = u.oid))
)`;

/** Tables whose rows a dump has: no temporary ones, none of the system's or of extensions. */
export async function listTables(sql: Sql): Promise<readonly Table[]> {
  const rows = await sql.query<{
    schema: string;
    name: string;
    partition: boolean;
    bytes: string | null;
    columns: string | null;
    unstable: string | null;
  }>(
    `${unstableTypes}
     select n.nspname as schema, c.relname as name, c.relispartition as partition, (c.relpages::bigint * current_setting('block_size')::bigint)::text as bytes,
       (select pg_catalog.json_agg(a.attname order by a.attnum)::text from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         and a.atttypid not in (select oid from unstable)) as columns,
       (select pg_catalog.json_agg(a.attname order by a.attnum)::text from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         and a.atttypid in (select oid from unstable)) as unstable
     from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
       and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e')
     order by n.nspname collate "C", c.relname collate "C"`,
  );
  return rows.map(({ schema, name, partition, bytes, columns, unstable }) => ({
    schema,
    name,
    kind: partition ? "partition" : "table",
    bytes: Number(bytes ?? 0),
    columns: namesIn(columns).map(quoteName),
    leftOut: namesIn(unstable),
  }));
}

function namesIn(json: string | null): readonly string[] {
  return json === null ? [] : (JSON.parse(json) as string[]);
}

/**
 * Counts a table's rows, and with `fingerprint` adds up what they say: the SHA-256 of each row's text gives two numbers of
 * 64 bits, which are summed modulo 2^64. So order does not matter, and unlike with XOR two equal rows do not vanish. The
 * session must be in `beginSnapshot`'s transaction.
 */
export async function contentOf(
  sql: Sql,
  table: Table,
  encoding: string,
  { fingerprint }: { readonly fingerprint: boolean },
): Promise<TableContent> {
  const { schema, name, kind, columns, leftOut } = table;
  const from = `only ${quoteName(schema)}.${quoteName(name)}`;
  const described = { schema, name, kind, leftOut: fingerprint ? leftOut : [] };
  if (!fingerprint) {
    const [row] = await sql.query<{ rows: string }>(`select pg_catalog.count(*)::text as rows from ${from}`);
    return { ...described, rows: Number(row?.rows ?? 0), fingerprint: null };
  }
  // Text of other encodings is compared as UTF-8; SQL_ASCII knows nothing of its bytes and keeps them.
  const as = encoding === "SQL_ASCII" ? "SQL_ASCII" : "UTF8";
  // `offset 0` keeps the hash from being computed once for each of its halves.
  const [row] = await sql.query<{ rows: string; high: string | null; low: string | null }>(
    `select pg_catalog.count(*)::text as rows,
       pg_catalog.sum(('x' || pg_catalog.substr(h, 1, 16))::bit(64)::bigint)::text as high,
       pg_catalog.sum(('x' || pg_catalog.substr(h, 17, 16))::bit(64)::bigint)::text as low
     from (select pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(row(${columns.join(", ")})::text, '${as}')), 'hex') as h
           from ${from} offset 0) as hashed`,
  );
  return {
    ...described,
    rows: Number(row?.rows ?? 0),
    fingerprint: hex64(row?.high ?? null) + hex64(row?.low ?? null),
  };
}

function hex64(sum: string | null): string {
  return BigInt.asUintN(64, BigInt(sum ?? "0"))
    .toString(16)
    .padStart(16, "0");
}
