import { formatBytes } from "../../../domain/quantity.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";

/** A folder with what a listing tells of the objects in it. */
export interface PointFolder {
  readonly name: string;
  /** Names in the folder of those that must be rehydrated before they can be read. */
  readonly archived: ReadonlySet<string>;
  /** Bytes of those. */
  readonly archivedBytes: number;
}

/** The folders right below `prefix` (ending in `/`), in order, by one listing of all that lies in them. */
export async function* pointFolders(store: ObjectStore, prefix: string): AsyncIterable<PointFolder> {
  let open = null as { name: string; archived: Set<string>; archivedBytes: number } | null;
  for await (const object of store.list(prefix)) {
    const path = object.key.slice(prefix.length);
    const slash = path.indexOf("/");
    if (slash === -1) continue;
    const name = path.slice(0, slash);
    if (open === null || open.name !== name) {
      if (open !== null) yield open;
      open = { name, archived: new Set(), archivedBytes: 0 };
    }
    if (object.archived !== true) continue;
    open.archived.add(path.slice(slash + 1));
    open.archivedBytes += object.size;
  }
  if (open !== null) yield open;
}

/** For people: what keeps a point from being read; null where nothing does. */
export function archivedReason({ archived, archivedBytes }: PointFolder): string | null {
  if (archived.size === 0) return null;
  const what = archived.size === 1 ? "1 object" : `${archived.size} objects`;
  return `${what} of it (${formatBytes(archivedBytes)}) must be rehydrated before it can be restored`;
}
