import type { ObjectStore, ObjectWriter } from "../../ports/object-store.ts";

/**
 * The same store, but before anything is written or removed in it, `guard` is asked, which throws where it must not be.
 * Reading is free, rehydrating with it, and so is `replace`, which carries a condition of its own. `guard` gets the key.
 */
export function guarded(store: ObjectStore, guard: (key: string) => Promise<void>): ObjectStore {
  const { sweep, rehydrating } = store;

  function watched(writer: ObjectWriter, key: string): ObjectWriter {
    return {
      write: async (chunk) => {
        await guard(key);
        await writer.write(chunk);
      },
      commit: async () => {
        await guard(key);
        await writer.commit();
      },
      // It removes what nobody has seen.
      abort: () => writer.abort(),
    };
  }

  return {
    url: store.url,
    list: (prefix, options) => store.list(prefix, options),
    head: (key) => store.head(key),
    get: (key, range) => store.get(key, range),
    read: (key, range) => store.read(key, range),
    observe: (key) => store.observe(key),
    replace: (key, bytes, version) => store.replace(key, bytes, version),
    put: async (key, bytes, how) => {
      await guard(key);
      return store.put(key, bytes, how);
    },
    write: async (key, how) => {
      await guard(key);
      return watched(await store.write(key, how), key);
    },
    delete: async (key) => {
      await guard(key);
      await store.delete(key);
    },
    ...(sweep === undefined
      ? {}
      : {
          sweep: async function* sweepGuarded(before) {
            await guard("");
            yield* sweep(before);
          },
        }),
    // It changes where an object lies, and never what it says.
    ...(rehydrating === undefined ? {} : { rehydrating }),
  };
}
