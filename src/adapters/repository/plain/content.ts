import { PgrescueError } from "../../../domain/errors.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import { unwrap, wrappingOf } from "./wrapping.ts";

/** The whole content of an object, unwrapped; null where it is not there. Throws `damaged-data` beyond `limit` bytes. */
export async function readContent(store: ObjectStore, key: string, limit: number): Promise<Uint8Array | null> {
  const bytes = await store.get(key);
  if (bytes === null) return null;
  const wrapping = wrappingOf(bytes);
  if (wrapping === "none") return bytes;
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of unwrap(only(bytes), wrapping, key)) {
    length += part.length;
    if (length > limit) throw new PgrescueError("damaged-data", `${key} holds more than ${limit} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts, length);
}

/** The content of an object as it comes, unwrapped. Throws `store-failure` where it is not there. */
export async function* streamContent(
  store: ObjectStore,
  key: string,
  seen: (bytes: number) => void = () => undefined,
): AsyncIterable<Uint8Array> {
  const size = (await store.head(key))?.size ?? 0;
  const head = await store.get(key, { offset: 0, length: Math.min(size, 16) });
  const counted = (async function* count(): AsyncIterable<Uint8Array> {
    for await (const chunk of store.read(key)) {
      seen(chunk.length);
      yield chunk;
    }
  })();
  yield* unwrap(counted, wrappingOf(head ?? new Uint8Array()), key);
}

async function* only(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(bytes);
}
