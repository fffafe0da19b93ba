import type { Clock } from "../../ports/clock.ts";
import type { ByteRange, ObjectStore, ObjectWriter } from "../../ports/object-store.ts";

export interface Limits {
  readonly clock: Clock;
  /** Calls at the same time; streams that are under way (`read`, `write`, `list`) do not count. */
  readonly concurrency?: number;
  /** Bytes a second, reading and writing together. */
  readonly bytesPerSecond?: number;
}

/** Holds a store's use within limits, so that a backup does not take the network or the disk from the database. */
export function limited(store: ObjectStore, limits: Limits): ObjectStore {
  const { rehydrating } = store;
  const enter = semaphore(limits.concurrency ?? Number.POSITIVE_INFINITY);
  const spend = bandwidth(limits);

  async function* read(key: string, range?: ByteRange): AsyncIterable<Uint8Array> {
    for await (const chunk of store.read(key, range)) {
      await spend(chunk.length);
      yield chunk;
    }
  }

  function slowed(writer: ObjectWriter): ObjectWriter {
    return {
      write: async (chunk) => {
        await spend(chunk.length);
        await writer.write(chunk);
      },
      commit: () => writer.commit(),
      abort: () => writer.abort(),
    };
  }

  return {
    url: store.url,
    list: (prefix, options) => store.list(prefix, options),
    read,
    head: (key) => enter(() => store.head(key)),
    get: (key, range) =>
      enter(async () => {
        const bytes = await store.get(key, range);
        await spend(bytes?.length ?? 0);
        return bytes;
      }),
    put: (key, bytes, how) =>
      enter(async () => {
        await spend(bytes.length);
        return store.put(key, bytes, how);
      }),
    // Small, and somebody's claim runs out while they wait: they go ahead of the others.
    observe: (key) => store.observe(key),
    replace: (key, bytes, version) => store.replace(key, bytes, version),
    write: async (key, how) => slowed(await enter(() => store.write(key, how))),
    delete: (key) => enter(() => store.delete(key)),
    ...(store.sweep === undefined ? {} : { sweep: store.sweep }),
    ...(rehydrating === undefined
      ? {}
      : {
          rehydrating: {
            state: (key) => enter(() => rehydrating.state(key)),
            begin: (key, request) => enter(() => rehydrating.begin(key, request)),
          },
        }),
  };
}

type Enter = <T>(work: () => Promise<T>) => Promise<T>;

function semaphore(places: number): Enter {
  let free = places;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}

/** Each use books its time on one line; whoever is ahead of the line waits. */
function bandwidth({ clock, bytesPerSecond }: Limits): (bytes: number) => Promise<void> {
  let bookedUntil = 0;
  return async (bytes) => {
    if (bytesPerSecond === undefined || bytes === 0) return;
    const now = clock.monotonic();
    bookedUntil = Math.max(now, bookedUntil) + (bytes / bytesPerSecond) * 1000;
    if (bookedUntil > now) await clock.sleep(bookedUntil - now);
  };
}
