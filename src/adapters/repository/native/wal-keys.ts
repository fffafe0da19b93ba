import { parseWalFileName } from "../../../domain/segment.ts";

/**
 * The object's key below `wal/` for a file of pg_wal: `<first 16 hex>/<segment>.zst`, `<first 16 hex>/<segment>.<offset>.backup`,
 * `<8 hex>.history`; null for names that are not PostgreSQL's.
 */
export function walKey(name: string): string | null {
  const file = parseWalFileName(name);
  if (file === null) return null;
  if (file.kind === "history") return name;
  return file.kind === "backup" ? `${name.slice(0, 16)}/${name}` : `${name.slice(0, 16)}/${name}.zst`;
}

/** Whether the object is compressed, by its key. */
export function isCompressed(key: string): boolean {
  return key.endsWith(".zst");
}

/** The name of the file behind a key below `wal/`, encrypted or not; null for keys that walKey does not give. */
export function nameOfWalKey(key: string): string | null {
  const plain = key.replace(/\.age$/, "");
  const name = plain.slice(plain.lastIndexOf("/") + 1).replace(/\.zst$/, "");
  return walKey(name) === plain && (plain === key || isCompressed(plain)) ? name : null;
}
