import type { Cipher } from "../../../ports/cipher.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import { beginHashedObject, type StoredObject } from "./hashed-object.ts";
import { compressFrame } from "./zstd-frames.ts";

/** Where an object goes, and how it is written. */
export interface CompressedPlace {
  readonly store: ObjectStore;
  readonly folder: string;
  /** null: it is not encrypted. */
  readonly cipher: Cipher | null;
  /** Input of a frame in bytes. */
  readonly frameSize: number;
}

/** Writes a stream as one object of zstd frames. */
export async function putCompressed(
  { store, folder, cipher, frameSize }: CompressedPlace,
  name: string,
  chunks: AsyncIterable<Uint8Array>,
): Promise<StoredObject> {
  const object = await beginHashedObject(store, folder, name, cipher);
  try {
    for await (const content of collected(chunks, frameSize)) await object.write(await compressFrame(content, 3));
    return await object.commit();
  } catch (error) {
    await object.abort();
    throw error;
  }
}

/** The same bytes in chunks of `size`, the last one shorter; an empty stream gives one empty chunk. */
async function* collected(chunks: AsyncIterable<Uint8Array>, size: number): AsyncIterable<Uint8Array> {
  let pending: Uint8Array[] = [];
  let length = 0;
  let any = false;
  for await (const chunk of chunks) {
    pending.push(chunk);
    length += chunk.length;
    if (length < size) continue;
    yield Buffer.concat(pending);
    [pending, length, any] = [[], 0, true];
  }
  if (length > 0 || !any) yield Buffer.concat(pending);
}
