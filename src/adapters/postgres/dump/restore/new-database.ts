import type { DumpCatalog } from "../../../../domain/dump.ts";
import type { DumpRestoreRequest, NewDatabase } from "../../../../ports/dump-restore.ts";
import type { Sql } from "../../../../ports/sql.ts";
import { quoteName } from "../../../../domain/sql-name.ts";
import { quoteLiteral } from "../quote.ts";

/** What the comment of a database says while a run fills it. */
function unfinished({ run, point }: DumpRestoreRequest): string {
  return `pgrescue run ${run}: unfinished restore of ${point}`;
}

/** What it says afterwards. */
function done({ run, point }: DumpRestoreRequest): string {
  return `restored by pgrescue run ${run} from ${point}`;
}

/** Where the request's database stands, by its comment. */
export async function newDatabaseIn(sql: Sql, request: DumpRestoreRequest): Promise<NewDatabase> {
  const [row] = await sql.query<{ comment: string | null }>(
    "select pg_catalog.shobj_description(oid, 'pg_database') as comment from pg_catalog.pg_database where datname = $1",
    [request.database],
  );
  if (row === undefined) return "absent";
  if (row.comment === unfinished(request)) return "ours-unfinished";
  return row.comment === done(request) ? "ours-done" : "others";
}

/**
 * Makes the empty database with the encoding and locale that the dump's had; with the server's own locale where it lacks
 * that one, which is told. What this run had made before is removed.
 */
export async function makeDatabase(
  sql: Sql,
  request: DumpRestoreRequest,
  catalog: DumpCatalog | null,
  { major }: { readonly major: number },
): Promise<{ readonly warning: string | null }> {
  const name = quoteName(request.database);
  if ((await newDatabaseIn(sql, request)) === "ours-unfinished")
    await sql.query(`drop database ${name}${major >= 13 ? " with (force)" : ""}`);
  const warning = await create(sql, name, catalog);
  await sql.query(`comment on database ${name} is ${quoteLiteral(unfinished(request))}`);
  return { warning };
}

async function create(sql: Sql, name: string, catalog: DumpCatalog | null): Promise<string | null> {
  if (catalog === null) {
    await sql.query(`create database ${name} template template0`);
    return null;
  }
  const { encoding, collate, ctype } = catalog;
  const base = `create database ${name} template template0 encoding ${quoteLiteral(encoding)}`;
  try {
    await sql.query(`${base} lc_collate ${quoteLiteral(collate)} lc_ctype ${quoteLiteral(ctype)}`);
    return null;
  } catch (error) {
    if (!/invalid (?:locale|LC_\w+)|locale name|could not create locale/i.test(String(error))) throw error;
    await sql.query(`create database ${name} template template0 encoding ${quoteLiteral(encoding)}`);
    return `the server has no locale ${collate}: the database has the server's own, and text sorts otherwise`;
  }
}

/** Makes the schemas of a part: pg_restore makes none for the tables that are chosen by name. */
export async function makeSchemas(
  sql: Sql,
  { schemas, tables }: DumpRestoreRequest,
  catalog: DumpCatalog | null,
): Promise<void> {
  const ofTables = (catalog?.tables ?? []).filter(({ name }) => tables.includes(name)).map(({ schema }) => schema);
  for (const name of new Set([...schemas, ...ofTables]))
    await sql.query(`create schema if not exists ${quoteName(name)}`);
}

/** Says that the database is whole, and gives it its owner. What the role may not do is told. */
export async function finishDatabase(
  sql: Sql,
  request: DumpRestoreRequest,
  owner: string | null,
): Promise<{ readonly warning: string | null }> {
  const name = quoteName(request.database);
  await sql.query(`comment on database ${name} is ${quoteLiteral(done(request))}`);
  if (owner === null) return { warning: null };
  try {
    await sql.query(`alter database ${name} owner to ${quoteName(owner)}`);
    return { warning: null };
  } catch (error) {
    return { warning: `the database could not be given to ${owner}: ${String(error)}` };
  }
}
