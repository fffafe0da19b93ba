import { createHash } from "node:crypto";
import type { ObjectStore } from "../../../ports/object-store.ts";

/** An object as the commit document lists it. */
export interface StoredObject {
  /** Below the backup's folder. */
  readonly name: string;
  readonly size: number;
  /** Of the stored bytes, in hex: what sha256sum prints. */
  readonly sha256: string;
}

/** Streams an object into the store and hashes it on the way. */
export interface HashedObject {
  /** Bytes so far. */
  readonly size: number;
  write(chunk: Uint8Array): Promise<void>;
  commit(): Promise<StoredObject>;
  abort(): Promise<void>;
}

/** Begins the object `folder` + `name`. */
export async function beginHashedObject(store: ObjectStore, folder: string, name: string): Promise<HashedObject> {
  const writer = await store.write(folder + name);
  const hash = createHash("sha256");
  let size = 0;
  return {
    get size() {
      return size;
    },
    write: async (chunk) => {
      hash.update(chunk);
      size += chunk.length;
      await writer.write(chunk);
    },
    commit: async () => {
      await writer.commit();
      return { name, size, sha256: hash.digest("hex") };
    },
    abort: () => writer.abort(),
  };
}
