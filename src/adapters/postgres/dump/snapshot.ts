import type { Sql } from "../../../ports/sql.ts";

/** Settings under which a value's text is the same on every server and version. */
const fixed: readonly string[] = [
  "set local datestyle = 'ISO, YMD'",
  "set local intervalstyle = 'iso_8601'",
  "set local timezone = 'UTC'",
  "set local extra_float_digits = 1",
  "set local bytea_output = 'hex'",
  "set local lc_monetary = 'C'",
  "set local search_path = ''",
  "set local row_security = off",
];

/** What would end the transaction while pg_dump is at work. */
const lasting: readonly string[] = [
  "set local statement_timeout = 0",
  "set local idle_in_transaction_session_timeout = 0",
];

/**
 * Begins a transaction that sees one moment, with settings under which contents can be compared. Everything else that
 * is asked in it, and pg_dump with the name this gives, sees the same rows.
 */
export async function beginSnapshot(sql: Sql, lockTimeoutSeconds: number): Promise<string> {
  await sql.query("begin isolation level repeatable read, read only");
  await sql.query(`set local lock_timeout = ${Math.round(lockTimeoutSeconds * 1000)}`);
  for (const command of [...lasting, ...fixed]) await sql.query(command);
  const [row] = await sql.query<{ name: string }>("select pg_catalog.pg_export_snapshot() as name");
  return row?.name ?? "";
}
