import type { Json } from "../../../domain/brand.ts";
import type { Sql } from "../../../ports/sql.ts";
import { redact } from "./redact.ts";

type Row = { readonly [name: string]: Json };

/** A database as the catalog describes it; one that allows no connections cannot be looked into. */
export interface CatalogDatabase {
  readonly name: string;
  readonly allowsConnections: boolean;
  readonly [name: string]: Json;
}

/** Values of pg_control that recovery must not fall below, and what files look like. */
export async function controlValues(sql: Sql): Promise<Json> {
  const [row] = await sql.query<Row>(
    `select pg_control_version as "controlVersion", catalog_version_no as "catalogVersion", checkpoint_lsn::text as "checkpointLsn", timeline_id as "timeline",
       next_xid as "nextXid", next_oid::text as "nextOid",
       (select jsonb_object_agg(name, setting::int) from pg_catalog.pg_settings
         where name in ('max_connections', 'max_worker_processes', 'max_wal_senders', 'max_prepared_transactions', 'max_locks_per_transaction'))::text as floors
     from pg_catalog.pg_control_system(), pg_catalog.pg_control_checkpoint()`,
  );
  return row === undefined ? null : { ...row, floors: parsed(row["floors"]) };
}

/** Settings that differ from the built-in default, and where each comes from. Secrets inside values are cut out. */
export async function settings(sql: Sql): Promise<Json> {
  const rows = await sql.query<Row>(
    `select name, pg_catalog.current_setting(name, true) as value, source, sourcefile as "file", sourceline as "line", context, pending_restart as "pendingRestart"
     from pg_catalog.pg_settings where source not in ('default', 'override', 'client', 'session') or name in ('data_directory', 'config_file', 'hba_file', 'ident_file', 'server_encoding', 'lc_collate', 'lc_ctype', 'data_checksums', 'wal_segment_size') order by name`,
  );
  return rows.map((row) => {
    const value = text(row["value"]);
    const [inside, named] = [redact(value), redact(`${text(row["name"])} = ${value}`)];
    if (inside.redacted) return { ...row, value: inside.text, redacted: true };
    return named.redacted ? { ...row, value: "[redacted]", redacted: true } : row;
  });
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

export async function tablespaces(sql: Sql): Promise<Json> {
  return sql.query<Row>(
    `select oid::text as oid, spcname as name, pg_catalog.pg_tablespace_location(oid) as location, pg_catalog.pg_get_userbyid(spcowner) as owner, spcoptions::text as options
     from pg_catalog.pg_tablespace order by pg_tablespace.oid`,
  );
}

/** Roles and what they may, without passwords: `pg_roles` masks them. */
export async function roles(sql: Sql): Promise<Json> {
  const rows = await sql.query<Row>(
    `select r.oid::text as oid, r.rolname as name, r.rolsuper as superuser, r.rolinherit as inherit, r.rolcreaterole as "createRole", r.rolcreatedb as "createDb",
       r.rolcanlogin as login, r.rolreplication as replication, r.rolbypassrls as "bypassRls", r.rolconnlimit as "connectionLimit", r.rolvaliduntil::text as "validUntil",
       (select array_to_json(array_agg(g.rolname order by g.rolname))::text from pg_catalog.pg_auth_members m join pg_catalog.pg_roles g on g.oid = m.roleid where m.member = r.oid) as "memberOf",
       array_to_json(r.rolconfig)::text as settings
     from pg_catalog.pg_roles r where r.rolname !~ '^pg_' order by r.rolname`,
  );
  return rows.map((row) => ({
    ...row,
    memberOf: parsed(row["memberOf"]),
    settings: parsed(redact(text(row["settings"])).text),
  }));
}

function parsed(value: Json | undefined): Json {
  return typeof value === "string" && value !== "" ? (JSON.parse(value) as Json) : null;
}

/** Databases with what decides whether their text indexes will still be right elsewhere. Sizes null where we may not know. */
export async function databases(sql: Sql, major: number): Promise<readonly CatalogDatabase[]> {
  const provider =
    major >= 15
      ? `datlocprovider::text as "localeProvider", ${major >= 17 ? "datlocale" : "daticulocale"} as "icuLocale", datcollversion as "collationVersion", pg_catalog.pg_database_collation_actual_version(oid) as "actualCollationVersion",`
      : "";
  return sql.query<CatalogDatabase>(
    `select oid::text as oid, datname as name, pg_catalog.pg_get_userbyid(datdba) as owner, pg_catalog.pg_encoding_to_char(encoding) as encoding, datcollate as collate, datctype as ctype, ${provider}
       dattablespace::text as tablespace, datconnlimit as "connectionLimit", datistemplate as "isTemplate", datallowconn and datconnlimit <> -2 as "allowsConnections",
       case when pg_catalog.has_database_privilege(oid, 'connect') then pg_catalog.pg_database_size(oid)::text end as bytes
     from pg_catalog.pg_database order by pg_database.oid`,
  );
}

export async function extensions(sql: Sql): Promise<Json> {
  return sql.query<Row>(
    "select extname as name, extversion as version, extnamespace::regnamespace::text as schema from pg_catalog.pg_extension order by extname",
  );
}

/** Collations whose version is recorded and used to judge text indexes; only those that something depends on beside the built-in ones. */
export async function collations(sql: Sql): Promise<Json> {
  return sql.query<Row>(
    `select c.oid::text as oid, c.collname as name, c.collprovider::text as provider, c.collversion as version, pg_catalog.pg_collation_actual_version(c.oid) as "actualVersion"
     from pg_catalog.pg_collation c where c.collversion is not null and (c.oid >= 16384 or exists
       (select from pg_catalog.pg_depend d where d.refclassid = 'pg_catalog.pg_collation'::regclass and d.refobjid = c.oid)) order by c.oid`,
  );
}

/** Sequences with their last values; null where unused or where we may not read them. Null altogether when one is locked. */
export async function sequences(sql: Sql): Promise<Json> {
  return sql
    .query<Row>(
      'select schemaname as schema, sequencename as name, last_value::text as "lastValue" from pg_catalog.pg_sequences order by 1, 2',
    )
    .catch(() => null);
}

const page = 5000;

/** Relations with files, by oid, a page of rows at a time: the shape stands at `catalogDocument`. */
export async function* relations(sql: Sql): AsyncGenerator<Json> {
  for (let after = "0"; ;) {
    const rows = await sql.query<{
      oid: string;
      schema: string;
      name: string;
      kind: string;
      file: string | null;
      space: string;
      pages: number;
      rows: number;
      persistence: string;
      main: string;
    }>(
      `select c.oid::text as oid, n.nspname as schema, c.relname as name, c.relkind::text as kind, pg_catalog.pg_relation_filenode(c.oid)::text as file, c.reltablespace::text as space,
         c.relpages as pages, c.reltuples::float8 as rows, c.relpersistence::text as persistence,
         coalesce(i.indrelid, t.oid, 0)::oid::text as main
       from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         left join pg_catalog.pg_index i on i.indexrelid = c.oid left join pg_catalog.pg_class t on c.relkind = 't' and t.reltoastrelid = c.oid
       where c.oid > $1::oid and c.relpersistence <> 't' order by c.oid limit ${page}`,
      [after],
    );
    for (const r of rows)
      yield [
        Number(r.oid),
        r.schema,
        r.name,
        r.kind,
        r.file === null ? 0 : Number(r.file),
        Number(r.space),
        r.pages,
        r.rows,
        r.persistence,
        Number(r.main),
      ];
    if (rows.length < page) return;
    after = rows.at(-1)?.oid ?? after;
  }
}
