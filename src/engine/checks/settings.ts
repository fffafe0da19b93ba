import type { Sql } from "../../ports/sql.ts";

/** Values as `SHOW` gives them (with units); a setting that the server does not know or the role may not see is absent. */
export async function showSettings(sql: Sql, names: readonly string[]): Promise<{ readonly [name: string]: string }> {
  const rows = await sql.query<{ name: string; value: string }>(
    "select name, current_setting(name) as value from pg_settings where name = any(string_to_array($1, ','))",
    [names.join(",")],
  );
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}

/** A setting's number in its base unit (seconds, 8 kB pages ...), as pg_settings has it; null where it is not known. */
export async function settingNumber(sql: Sql, name: string): Promise<number | null> {
  const [row] = await sql.query<{ setting: string }>("select setting from pg_settings where name = $1", [name]);
  return row === undefined ? null : Number(row.setting);
}
