import { createHash } from "node:crypto";
import { PgrescueError } from "../../../domain/errors.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import type { StoredObject } from "./hashed-object.ts";

/**
 * Reads a whole object and compares size and SHA-256 with what the commit document says; `seen` is told each chunk's size.
 * Throws `damaged-data` naming the object, also where it is missing.
 */
export async function verifyObject(
  store: ObjectStore,
  folder: string,
  expected: StoredObject,
  seen: (bytes: number) => void = () => undefined,
): Promise<void> {
  const key = folder + expected.name;
  const info = await store.head(key);
  if (info === null) throw new PgrescueError("damaged-data", `${key} is missing in ${store.url}`);
  if (info.size !== expected.size)
    throw new PgrescueError("damaged-data", `${key} has ${info.size} bytes instead of ${expected.size}`);
  const hash = createHash("sha256");
  for await (const chunk of store.read(key)) {
    hash.update(chunk);
    seen(chunk.length);
  }
  if (hash.digest("hex") !== expected.sha256)
    throw new PgrescueError("damaged-data", `${key} is not what was written: its SHA-256 differs`);
}

/** A small object, verified; throws `damaged-data`. */
export async function readVerified(store: ObjectStore, folder: string, expected: StoredObject): Promise<Uint8Array> {
  const key = folder + expected.name;
  const bytes = await store.get(key);
  if (bytes === null) throw new PgrescueError("damaged-data", `${key} is missing in ${store.url}`);
  if (bytes.length !== expected.size || createHash("sha256").update(bytes).digest("hex") !== expected.sha256) {
    throw new PgrescueError("damaged-data", `${key} is not what was written: its SHA-256 differs`);
  }
  return bytes;
}
