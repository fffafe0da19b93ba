import { PgrescueError } from "../../../../domain/errors.ts";
import { quoteName } from "../../../../domain/sql-name.ts";
import type { Sql } from "../../../../ports/sql.ts";

interface Renaming {
  readonly from: string;
  readonly to: string;
}

/**
 * Renames databases, all or none. Throws `precondition-refused` where a new name is taken. Sessions in them are ended first, and new ones are kept out until the names are right:
 * a database with a session cannot be renamed.
 */
export async function renameDatabases(sql: Sql, renamings: readonly Renaming[]): Promise<void> {
  const names = renamings.map(({ from }) => from);
  const taken = await existing(
    sql,
    renamings.map(({ to }) => to).filter((to) => !names.includes(to)),
  );
  if (taken.size > 0)
    throw new PgrescueError("precondition-refused", `there is a database ${[...taken].join(", ")} already`, {
      means: "Nothing was renamed, and no session was ended.",
      next: "Rename it, then go on with this run.",
    });
  try {
    for (const name of names) await allowConnections(sql, name, false);
    for (const name of names)
      await sql.query(
        "select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity where datname = $1 and pid <> pg_catalog.pg_backend_pid()",
        [name],
      );
    await gone(sql, names);
    await sql.query("begin");
    for (const { from, to } of renamings)
      await sql.query(`alter database ${quoteName(from)} rename to ${quoteName(to)}`);
    await sql.query("commit");
  } catch (error) {
    await sql.query("rollback").catch(() => undefined);
    for (const name of names) await allowConnections(sql, name, true).catch(() => undefined);
    throw error;
  }
  for (const { to } of renamings) await allowConnections(sql, to, true);
}

async function allowConnections(sql: Sql, name: string, allowed: boolean): Promise<void> {
  await sql.query(`alter database ${quoteName(name)} with allow_connections ${allowed}`);
}

/** Waits until the sessions have ended, ten seconds at the most: then renaming says who is left. */
async function gone(sql: Sql, names: readonly string[]): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const [row] = await sql.query<{ count: number }>(
      "select pg_catalog.count(*)::int as count from pg_catalog.pg_stat_activity where datname = any(string_to_array($1, chr(10))) and pid <> pg_catalog.pg_backend_pid()",
      [names.join("\n")],
    );
    if (row?.count === 0) return;
    await sql.query("select pg_catalog.pg_sleep(0.1)");
  }
}

/** Whether there are databases of these names. */
export async function existing(sql: Sql, names: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await sql.query<{ name: string }>("select datname as name from pg_catalog.pg_database");
  const all = new Set(rows.map(({ name }) => name));
  return new Set(names.filter((name) => all.has(name)));
}
