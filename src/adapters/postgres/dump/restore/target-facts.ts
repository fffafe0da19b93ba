import { PgrescueError } from "../../../../domain/errors.ts";
import type { ConnectionTarget, Sql, SqlConnector } from "../../../../ports/sql.ts";

/** What restoring a dump needs to know of the server that it goes to. */
export interface TargetFacts {
  /** server_version_num. */
  readonly version: number;
  readonly major: number;
  readonly inRecovery: boolean;
  readonly user: string;
  readonly superuser: boolean;
  readonly mayCreateDatabases: boolean;
  readonly mayCreateRoles: boolean;
  readonly roles: ReadonlySet<string>;
  readonly databases: ReadonlySet<string>;
  /** Extensions that can be created, with their default versions. */
  readonly extensions: ReadonlyMap<string, string>;
}

/** Asks the server. Throws what the session throws. */
export async function readTargetFacts(sql: Sql): Promise<TargetFacts> {
  const [row] = await sql.query<{
    version: string;
    recovery: boolean;
    user: string;
    superuser: boolean;
    databases: boolean;
    roles: boolean;
  }>(
    `select current_setting('server_version_num') as version, pg_catalog.pg_is_in_recovery() as recovery, rolname as user,
       rolsuper as superuser, rolcreatedb or rolsuper as databases, rolcreaterole or rolsuper as roles
     from pg_catalog.pg_roles where rolname = current_user`,
  );
  if (row === undefined) throw new PgrescueError("external-failure", "the server did not say who we are there");
  const names = async (text: string): Promise<ReadonlySet<string>> =>
    new Set((await sql.query<{ name: string }>(text)).map(({ name }) => name));
  const extensions = await sql.query<{ name: string; version: string }>(
    "select name, default_version as version from pg_catalog.pg_available_extensions",
  );
  const version = Number(row.version);
  return {
    version,
    major: Math.floor(version / 10_000),
    inRecovery: row.recovery,
    user: row.user,
    superuser: row.superuser,
    mayCreateDatabases: row.databases,
    mayCreateRoles: row.roles,
    roles: await names("select rolname as name from pg_catalog.pg_roles"),
    databases: await names("select datname as name from pg_catalog.pg_database"),
    extensions: new Map(extensions.map((e) => [e.name, e.version])),
  };
}

/** Uses a session with the server; with a database's name, in that one. */
export async function withSession<T>(
  connector: SqlConnector,
  target: ConnectionTarget,
  database: string | null,
  use: (sql: Sql) => Promise<T>,
): Promise<T> {
  const sql = await connector.connect(database === null ? target : { ...target, database });
  try {
    return await use(sql);
  } finally {
    await sql.close();
  }
}
