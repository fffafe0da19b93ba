import { readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import type { Sql } from "../../../ports/sql.ts";

export interface TablespaceLink {
  readonly oid: number;
  readonly name: string;
  readonly location: string;
}

/** Names of tablespaces by oid. */
export async function tablespaceNames(sql: Sql): Promise<ReadonlyMap<number, string>> {
  const rows = await sql.query<{ oid: string; name: string }>(
    "select oid::text as oid, spcname as name from pg_catalog.pg_tablespace",
  );
  return new Map(rows.map((row) => [Number(row.oid), row.name]));
}

/** The tablespaces that lie outside the data directory: the links in pg_tblspc. In-place ones are directories, part of base. */
export async function tablespaceLinks(
  dataDirectory: string,
  names: ReadonlyMap<number, string>,
): Promise<readonly TablespaceLink[]> {
  const place = join(dataDirectory, "pg_tblspc");
  const found: TablespaceLink[] = [];
  for (const item of await readdir(place, { withFileTypes: true })) {
    if (!item.isSymbolicLink() || !/^\d+$/.test(item.name)) continue;
    const oid = Number(item.name);
    found.push({ oid, name: names.get(oid) ?? item.name, location: await readlink(join(place, item.name)) });
  }
  return found.sort((a, b) => a.oid - b.oid);
}
