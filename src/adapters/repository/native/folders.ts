import type { ObjectStore } from "../../../ports/object-store.ts";
import { behindFolder } from "./keys.ts";

/**
 * The names of the folders right below `prefix` ("" or ending in `/`), in order. One short listing for each: what lies in
 * them, a million WAL segments perhaps, is skipped.
 */
export async function* folders(store: ObjectStore, prefix: string): AsyncIterable<string> {
  let startAfter = prefix;
  for (;;) {
    const next = await nextFolder(store, prefix, startAfter);
    if (next === null) return;
    yield next;
    startAfter = behindFolder(prefix, next);
  }
}

async function nextFolder(store: ObjectStore, prefix: string, startAfter: string): Promise<string | null> {
  for await (const { key } of store.list(prefix, { startAfter })) {
    const slash = key.indexOf("/", prefix.length);
    if (slash !== -1) return key.slice(prefix.length, slash);
  }
  return null;
}
