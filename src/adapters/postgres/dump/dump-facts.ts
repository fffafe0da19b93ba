import { PgrescueError } from "../../../domain/errors.ts";
import { nearest } from "../../../domain/nearest.ts";
import type { Sql } from "../../../ports/sql.ts";

/** What dumping needs to know of a server; all of it may be asked by any role, on managed servers too. */
export interface DumpFacts {
  /** server_version_num. */
  readonly version: number;
  readonly major: number;
  /** "" where our role may not know. */
  readonly systemIdentifier: string;
  readonly inRecovery: boolean;
  /** Whether the role may read the roles' password hashes. */
  readonly mayReadPasswords: boolean;
  readonly databases: readonly DatabaseFacts[];
}

export interface DatabaseFacts {
  readonly oid: number;
  readonly name: string;
  readonly owner: string;
  readonly encoding: string;
  readonly collate: string;
  readonly ctype: string;
  readonly isTemplate: boolean;
  readonly allowsConnections: boolean;
  readonly mayConnect: boolean;
  /** 0 where our role may not know. */
  readonly bytes: number;
}

/** Asks the server. Throws what the session throws, `precondition-refused` for servers older than 12. */
export async function readDumpFacts(sql: Sql): Promise<DumpFacts> {
  const [row] = await sql.query<{ version: string; recovery: boolean; passwords: boolean }>(
    `select current_setting('server_version_num') as version, pg_catalog.pg_is_in_recovery() as recovery,
       pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'select') as passwords`,
  );
  const version = Number(row?.version ?? 0);
  const major = Math.floor(version / 10_000);
  if (major < 12)
    throw new PgrescueError(
      "precondition-refused",
      `the server is PostgreSQL ${major}; dumps are taken of 12 and newer`,
    );
  const databases = await sql.query<{ [name: string]: unknown }>(
    `select oid::text as oid, datname as name, pg_catalog.pg_get_userbyid(datdba) as owner, pg_catalog.pg_encoding_to_char(encoding) as encoding,
       datcollate as collate, datctype as ctype, datistemplate as "isTemplate", datallowconn and datconnlimit <> -2 as "allowsConnections",
       pg_catalog.has_database_privilege(oid, 'connect') as "mayConnect",
       case when pg_catalog.has_database_privilege(oid, 'connect') then pg_catalog.pg_database_size(oid)::text else '0' end as bytes
     from pg_catalog.pg_database order by datname`,
  );
  return {
    version,
    major,
    systemIdentifier: await systemIdentifier(sql),
    inRecovery: row?.recovery === true,
    mayReadPasswords: row?.passwords === true,
    databases: databases.map((d) => ({
      ...(d as unknown as DatabaseFacts),
      oid: Number(d["oid"]),
      bytes: Number(d["bytes"]),
    })),
  };
}

async function systemIdentifier(sql: Sql): Promise<string> {
  const [row] = await sql
    .query<{ id: string }>("select system_identifier::text as id from pg_catalog.pg_control_system()")
    // Managed servers keep it to themselves; a dump is of no WAL and does not need it.
    .catch(() => []);
  return row?.id ?? "";
}

/**
 * The databases to dump, by name: those asked for, or all that allow connections and are no template. Throws
 * `precondition-refused` for one that is not there or cannot be dumped, and where none is left.
 */
export function chooseDatabases(
  facts: DumpFacts,
  { databases, exclude }: { readonly databases: readonly string[] | null; readonly exclude: readonly string[] },
): readonly DatabaseFacts[] {
  const names = facts.databases.map(({ name }) => name);
  for (const asked of [...(databases ?? []), ...exclude]) {
    if (names.includes(asked)) continue;
    const close = nearest(asked, names);
    throw new PgrescueError(
      "precondition-refused",
      `the server has no database ${JSON.stringify(asked)}${close === null ? "" : `; did you mean ${close}?`}`,
      { next: `It has ${names.join(", ")}.` },
    );
  }
  const chosen = facts.databases.filter(
    ({ name, isTemplate, allowsConnections }) =>
      !exclude.includes(name) && (databases === null ? !isTemplate && allowsConnections : databases.includes(name)),
  );
  const closed = chosen.find(({ allowsConnections }) => !allowsConnections);
  if (closed !== undefined)
    throw new PgrescueError("precondition-refused", `database ${closed.name} allows no connections`, {
      next: `Leave it out, or run ALTER DATABASE ... ALLOW_CONNECTIONS true.`,
    });
  if (chosen.length === 0)
    throw new PgrescueError("precondition-refused", "no database is left to dump", {
      next: `The server has ${names.join(", ")}; name one with --database.`,
    });
  return chosen;
}
