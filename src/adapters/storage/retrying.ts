import { PgrescueError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ByteRange, ObjectInfo, ObjectStore } from "../../ports/object-store.ts";

export interface RetryOptions {
  readonly clock: Clock;
  /** How often a call is made at the most; 4 unless told. */
  readonly attempts?: number;
  /** Milliseconds before the second attempt; doubled each time. 250 unless told. */
  readonly firstDelay?: number;
}

/**
 * Repeats calls that failed with `store-failure` and may be repeated without harm: reads, listings (which go on behind the
 * last key), deletes, and puts that replace. A conditional put or overwriting is not repeated (its own success would look
 * like another's), nor is a streamed write.
 */
export function retrying(store: ObjectStore, options: RetryOptions): ObjectStore {
  const attempts = options.attempts ?? 4;

  async function pause(failed: number, error: unknown): Promise<void> {
    if (!(error instanceof PgrescueError) || error.code !== "store-failure" || failed >= attempts) throw error;
    await options.clock.sleep((options.firstDelay ?? 250) * 2 ** (failed - 1));
  }

  async function repeat<T>(call: () => Promise<T>): Promise<T> {
    for (let failed = 1; ; failed++) {
      try {
        return await call();
      } catch (error) {
        await pause(failed, error);
      }
    }
  }

  async function* list(prefix: string, { startAfter = "" } = {}): AsyncIterable<ObjectInfo> {
    let last = startAfter;
    for (let failed = 1; ; failed++) {
      try {
        for await (const object of store.list(prefix, last === "" ? {} : { startAfter: last })) {
          last = object.key;
          failed = 1;
          yield object;
        }
        return;
      } catch (error) {
        await pause(failed, error);
      }
    }
  }

  async function* read(key: string, range?: ByteRange): AsyncIterable<Uint8Array> {
    let taken = 0;
    for (let failed = 1; ; failed++) {
      try {
        for await (const chunk of store.read(key, await rest(key, range, taken))) {
          taken += chunk.length;
          failed = 1;
          yield chunk;
        }
        return;
      } catch (error) {
        await pause(failed, error);
      }
    }
  }

  async function rest(key: string, range: ByteRange | undefined, taken: number): Promise<ByteRange | undefined> {
    if (taken === 0) return range;
    const length = range?.length ?? (await store.head(key))?.size ?? taken;
    return { offset: (range?.offset ?? 0) + taken, length: length - taken };
  }

  return {
    url: store.url,
    list,
    read,
    head: (key) => repeat(() => store.head(key)),
    get: (key, range) => repeat(() => store.get(key, range)),
    put: (key, bytes, how) =>
      how?.ifAbsent === true ? store.put(key, bytes, how) : repeat(() => store.put(key, bytes, how)),
    observe: (key) => repeat(() => store.observe(key)),
    replace: (key, bytes, version) => store.replace(key, bytes, version),
    write: (key, how) => store.write(key, how),
    delete: (key) => repeat(() => store.delete(key)),
    ...(store.sweep === undefined ? {} : { sweep: store.sweep }),
    // Stores that have an archive repeat by themselves.
    ...(store.rehydrating === undefined ? {} : { rehydrating: store.rehydrating }),
  };
}
