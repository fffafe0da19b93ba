import { plainChunk, plainSize, sealedChunk, chunksOf } from "../../../domain/sealed-size.ts";
import { PgrescueError } from "../../../domain/errors.ts";
import { headLength, type Cipher, type Opening } from "../../../ports/cipher.ts";
import type { ByteRange, ObjectStore } from "../../../ports/object-store.ts";

/** The reading half of a store, by logical keys: what lies there encrypted (`<key>.age`) is read as it was before. */
export interface ContentStore {
  readonly url: string;
  get(key: string, range?: ByteRange): Promise<Uint8Array | null>;
  read(key: string, range?: ByteRange): AsyncIterable<Uint8Array>;
}

/** What the names of encrypted objects end in. */
export const sealedSuffix = ".age";

/** Opened objects that are remembered: each costs two requests and an asymmetric decryption. */
const mostOpened = 64;

interface OpenedObject {
  readonly opening: Opening;
  /** Of the content. */
  readonly size: number;
  readonly chunks: number;
}

/** Reads encrypted objects, ranges of them included: only the chunks that hold a range are fetched, and each is authenticated. */
export function sealedContent(store: ObjectStore, cipher: Cipher): ContentStore {
  const opened = new Map<string, Promise<OpenedObject | null>>();

  function openOnce(key: string): Promise<OpenedObject | null> {
    const known = opened.get(key);
    if (known !== undefined) return known;
    const fresh = openObject(key);
    fresh.catch(() => opened.delete(key));
    opened.set(key, fresh);
    for (const oldest of opened.keys()) {
      if (opened.size <= mostOpened) break;
      opened.delete(oldest);
    }
    return fresh;
  }

  async function openObject(key: string): Promise<OpenedObject | null> {
    const info = await store.head(key + sealedSuffix);
    if (info === null) return null;
    const head = await store.get(key + sealedSuffix, { offset: 0, length: Math.min(info.size, headLength) });
    return head === null ? null : described(await cipher.open(head, key + sealedSuffix), info.size, key);
  }

  async function* stream(
    key: string,
    { opening, size, chunks }: OpenedObject,
    range: ByteRange,
  ): AsyncIterable<Uint8Array> {
    if (range.offset + range.length > size)
      throw new PgrescueError("damaged-data", `${key}${sealedSuffix} ends before byte ${range.offset + range.length}`);
    // An empty content still has a chunk that proves it.
    const { first, last, skip } = chunksOf(range.offset, Math.max(1, range.length));
    const physical = {
      offset: opening.start + first * sealedChunk,
      length: lengthOf(first, last, size, chunks),
    };
    let number = first;
    let left = range.length;
    for await (const sealed of inChunks(store.read(key + sealedSuffix, physical))) {
      const plain = opening.chunk(number, sealed, number === chunks - 1);
      const from = number === first ? skip : 0;
      const part = plain.subarray(from, Math.min(plain.length, from + left));
      number++;
      left -= part.length;
      if (part.length > 0) yield part;
    }
  }

  return {
    url: store.url,
    get: async (key, range) => {
      const object = await openOnce(key);
      if (object === null) return null;
      const wanted = range ?? { offset: 0, length: object.size };
      const bytes = Buffer.allocUnsafeSlow(wanted.length);
      let filled = 0;
      for await (const part of stream(key, object, wanted)) {
        bytes.set(part, filled);
        filled += part.length;
      }
      return bytes;
    },
    read: async function* read(key, range) {
      const object = await openOnce(key);
      if (object === null)
        throw new PgrescueError("store-failure", `there is no object ${key}${sealedSuffix} in ${store.url}`);
      yield* stream(key, object, range ?? { offset: 0, length: object.size });
    },
  };
}

/** The content of a whole encrypted object that is in memory. */
export async function unsealBytes(cipher: Cipher, bytes: Uint8Array, what: string): Promise<Uint8Array> {
  const { opening, size, chunks } = described(
    await cipher.open(bytes.subarray(0, headLength), what),
    bytes.length,
    what,
  );
  const plain = Buffer.allocUnsafeSlow(size);
  for (let number = 0; number < chunks; number++) {
    const from = opening.start + number * sealedChunk;
    plain.set(
      opening.chunk(number, bytes.subarray(from, from + sealedChunk), number === chunks - 1),
      number * plainChunk,
    );
  }
  return plain;
}

/** A whole object, encrypted in memory. */
export async function sealBytes(cipher: Cipher, plain: Uint8Array): Promise<Uint8Array> {
  const sealing = await cipher.seal();
  const parts = [sealing.header];
  for (let at = 0; at === 0 || at < plain.length; at += plainChunk)
    parts.push(sealing.chunk(plain.subarray(at, at + plainChunk), at + plainChunk >= plain.length));
  return Buffer.concat(parts);
}

function described(opening: Opening, stored: number, what: string): OpenedObject {
  const size = plainSize(stored - opening.start);
  if (size === null) throw new PgrescueError("damaged-data", `${what} is cut off`);
  return { opening, size, chunks: Math.max(1, Math.ceil(size / plainChunk)) };
}

/** Bytes of the chunks from `first` to `last`; the object's last one is shorter. */
function lengthOf(first: number, last: number, size: number, chunks: number): number {
  const whole = (last - first + 1) * sealedChunk;
  return last < chunks - 1 ? whole : whole - (chunks * plainChunk - size);
}

async function* inChunks(stream: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let pending: Uint8Array = new Uint8Array();
  for await (const piece of stream) {
    pending = pending.length === 0 ? piece : Buffer.concat([pending, piece]);
    let at = 0;
    for (; pending.length - at >= sealedChunk; at += sealedChunk) yield pending.subarray(at, at + sealedChunk);
    pending = pending.subarray(at);
  }
  if (pending.length > 0) yield pending;
}
