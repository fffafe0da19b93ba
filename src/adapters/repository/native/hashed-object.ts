import { createHash } from "node:crypto";
import { plainChunk } from "../../../domain/sealed-size.ts";
import type { Cipher } from "../../../ports/cipher.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import { sealedSuffix } from "./sealed-store.ts";

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
  /** As it will be listed. */
  readonly name: string;
  /** Bytes so far, of the content. */
  readonly size: number;
  write(chunk: Uint8Array): Promise<void>;
  commit(): Promise<StoredObject>;
  abort(): Promise<void>;
}

/** Begins the object `folder` + `name`; with a cipher it is encrypted, and its name says so. */
export async function beginHashedObject(
  store: ObjectStore,
  folder: string,
  name: string,
  cipher: Cipher | null = null,
): Promise<HashedObject> {
  return cipher === null
    ? beginPlain(store, folder, name)
    : sealed(await beginPlain(store, folder, name + sealedSuffix), cipher);
}

async function beginPlain(store: ObjectStore, folder: string, name: string): Promise<HashedObject> {
  const writer = await store.write(folder + name);
  const hash = createHash("sha256");
  let size = 0;
  return {
    name,
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

/** Encrypts on the way into an object. The last chunk is known for the last one only when there is no more. */
async function sealed(object: HashedObject, cipher: Cipher): Promise<HashedObject> {
  const sealing = await cipher.seal();
  await object.write(sealing.header);
  let pending: Uint8Array = new Uint8Array();
  let size = 0;
  return {
    name: object.name,
    get size() {
      return size;
    },
    write: async (chunk) => {
      size += chunk.length;
      const all = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      const parts: Uint8Array[] = [];
      let at = 0;
      for (; all.length - at > plainChunk; at += plainChunk)
        parts.push(sealing.chunk(all.subarray(at, at + plainChunk), false));
      // A copy: the chunk is the caller's until now, and larger than what is kept of it.
      pending = Uint8Array.from(all.subarray(at));
      if (parts.length > 0) await object.write(Buffer.concat(parts));
    },
    commit: async () => {
      await object.write(sealing.chunk(pending, true));
      return object.commit();
    },
    abort: () => object.abort(),
  };
}
