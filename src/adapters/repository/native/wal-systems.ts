import type { ObjectStore } from "../../../ports/object-store.ts";

/**
 * The systems that have WAL in a native repository, by names alone: one short listing per system instead of one over
 * everything that is stored.
 */
export async function* walSystems(
  store: ObjectStore,
): AsyncIterable<{ readonly cluster: string; readonly systemIdentifier: string }> {
  for (let after = ""; ;) {
    const key = await firstKey(store, "", after);
    if (key === null) return;
    const [cluster = "", systemIdentifier = ""] = key.split("/");
    // "0" follows "/" in byte order: the next key is behind this whole folder.
    after = key.includes("/") ? `${cluster}/${systemIdentifier}0` : key;
    if (!/^\d+$/.test(systemIdentifier)) continue;
    if ((await firstKey(store, `${cluster}/${systemIdentifier}/wal/`, "")) !== null)
      yield { cluster, systemIdentifier };
  }
}

async function firstKey(store: ObjectStore, prefix: string, after: string): Promise<string | null> {
  for await (const { key } of store.list(prefix, after === "" ? {} : { startAfter: after })) return key;
  return null;
}
