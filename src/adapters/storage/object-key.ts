import { PgrescueError } from "../../domain/errors.ts";
import type { ByteRange } from "../../ports/object-store.ts";

/**
 * Throws `precondition-refused` for a key that is not plain relative names (`a/b/c`): what one backend stores, every
 * other must be able to hold.
 */
export function requirePlainKey(key: string): void {
  const isPlain = key.split("/").every((name) => name !== "" && name !== "." && name !== ".." && !name.includes("\0"));
  if (!isPlain) throw new PgrescueError("precondition-refused", `${JSON.stringify(key)} is not a key of an object`);
}

/** The part of a URL's path below the bucket or container as a prefix of keys: empty, or ending in `/`. */
export function prefixOf(path: string): string {
  const plain = path.replaceAll(/^\/+|\/+$/g, "");
  if (plain === "") return "";
  requirePlainKey(plain);
  return `${plain}/`;
}

/** `damaged-data`: an object does not have all of a range. */
export function tooShort(key: string, range: ByteRange): PgrescueError {
  return new PgrescueError("damaged-data", `${key} ends before byte ${range.offset + range.length}`);
}

/** Whether a key comes behind another one in byte order, which is that of their code points. */
export function isAfter(a: string, b: string): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) > 0;
}
