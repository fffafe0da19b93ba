import { readFile, stat } from "node:fs/promises";
import { messageOf } from "../../../domain/errors.ts";
import type { Json } from "../../../domain/brand.ts";
import type { Sql } from "../../../ports/sql.ts";
import { redact } from "./redact.ts";

/** Larger files are no configuration that a person wrote. */
const limit = 1024 * 1024;

/**
 * The server's configuration files wherever they lie (Debian: /etc/postgresql, so not in the data directory), with
 * everything they include. Text with secrets cut out (`redacted`); `error` where a file could not be read.
 */
export async function configurationFiles(sql: Sql, dataDirectory: string | null): Promise<Json> {
  const files = new Map<string, string>();
  const add = (path: string | null, role: string): void => {
    if (path !== null && path !== "" && !files.has(path)) files.set(path, role);
  };
  for (const role of ["config_file", "hba_file", "ident_file"]) {
    const [row] = await sql.query<{ path: string }>(
      "select setting as path from pg_catalog.pg_settings where name = $1",
      [role],
    );
    add(row?.path ?? null, role);
  }
  // Views that only some roles and versions have: what they would add is then simply not there.
  for (const query of [
    "select distinct sourcefile as path from pg_catalog.pg_file_settings",
    "select distinct sourcefile as path from pg_catalog.pg_settings where sourcefile is not null",
  ]) {
    for (const row of await sql.query<{ path: string }>(query).catch(() => [])) add(row.path, "include");
  }
  // Included files, and the column that names them, came with PostgreSQL 16; a query that fails stays in the server's log.
  const [version] = await sql.query<{ includes: boolean }>(
    "select current_setting('server_version_num')::int >= 160000 as includes",
  );
  const views = version?.includes === true ? ["pg_hba_file_rules", "pg_ident_file_mappings"] : [];
  for (const view of views) {
    for (const row of await sql
      .query<{ path: string }>(`select distinct file_name as path from pg_catalog.${view}`)
      .catch(() => []))
      add(row.path, "include");
  }
  const result: Json[] = [];
  for (const [path, role] of files) result.push({ role, path, ...(await content(sql, path, dataDirectory !== null)) });
  return result;
}

async function content(sql: Sql, path: string, here: boolean): Promise<{ [name: string]: Json }> {
  try {
    const local = here ? await readHere(path) : null;
    const text = local?.text ?? (await readThere(sql, path));
    const clean = redact(text);
    return { ...(local === null ? {} : { mode: local.mode }), redacted: clean.redacted, content: clean.text };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

async function readHere(path: string): Promise<{ text: string; mode: number } | null> {
  try {
    const info = await stat(path);
    if (info.size > limit) return null;
    return { text: await readFile(path, "utf8"), mode: info.mode & 0o7777 };
  } catch {
    // The server may be allowed what we are not.
    return null;
  }
}

async function readThere(sql: Sql, path: string): Promise<string> {
  const [row] = await sql.query<{ text: string }>("select pg_catalog.pg_read_file($1, 0, $2) as text", [path, limit]);
  return row?.text ?? "";
}
