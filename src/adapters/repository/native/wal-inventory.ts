import type { SegmentRange, WalInventory } from "../../../domain/coverage.ts";
import { PgrescueError } from "../../../domain/errors.ts";
import {
  defaultSegmentSize,
  parseWalFileName,
  segmentNumberOf,
  type SegmentNumber,
  type TimelineId,
} from "../../../domain/segment.ts";
import { parseHistory, type TimelineHistory } from "../../../domain/timeline.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import { nameOfWalKey } from "./wal-keys.ts";

interface Source {
  readonly store: ObjectStore;
  readonly prefix: string;
  readonly systemIdentifier: string;
  readonly fetch: (name: string) => Promise<Uint8Array | null>;
}

/**
 * What one listing shows, in memory bounded by the number of holes, not of segments. An empty listing counts only
 * where the repository's own mark (pgrescue.json) is there: an unmounted disk is an empty directory, too.
 */
export async function readInventory({ store, prefix, systemIdentifier, fetch }: Source): Promise<WalInventory> {
  const ranges: GrowingRange[] = [];
  const cold: GrowingRange[] = [];
  const histories: TimelineHistory[] = [];
  const others: string[] = [];
  let segmentSize: number | null = null;
  let isEmpty = true;
  for await (const object of store.list(prefix)) {
    const { key } = object;
    isEmpty = false;
    const name = nameOfWalKey(key.slice(prefix.length));
    const file = name === null ? null : parseWalFileName(name);
    if (name === null || file === null) continue;
    if (file.kind === "history") {
      const history = await readHistory(name, file.timeline, fetch);
      if (history === null) others.push(name);
      else histories.push(history);
    } else if (file.kind === "segment") {
      segmentSize ??= await sizeOfSegment(store, key, name, fetch);
      const number = segmentNumberOf(name, segmentSize);
      if (number === null) others.push(name);
      else {
        append(ranges, file.timeline, number);
        if (object.archived === true) append(cold, file.timeline, number);
      }
    } else {
      others.push(name);
    }
  }
  if (isEmpty && (await store.head("pgrescue.json")) === null) {
    throw new PgrescueError("repository-not-found", `no pgrescue repository at ${store.url}: pgrescue.json is missing`);
  }
  return {
    systemIdentifier,
    segmentSize: segmentSize ?? defaultSegmentSize,
    ranges: ranges satisfies SegmentRange[],
    histories: histories.sort((a, b) => a.timeline - b.timeline),
    others,
    ...(cold.length === 0 ? {} : { cold }),
  };
}

interface GrowingRange {
  readonly timeline: TimelineId;
  readonly from: SegmentNumber;
  until: SegmentNumber;
}

/** Adds a segment behind all others: to the last range, where it touches that. */
function append(ranges: GrowingRange[], timeline: TimelineId, number: SegmentNumber): void {
  const last = ranges.at(-1);
  if (last !== undefined && last.timeline === timeline && number === last.until + 1n) last.until = number;
  else ranges.push({ timeline, from: number, until: number });
}

/** null for a damaged one: it must not hide everything else, and it is still named among `others`. */
async function readHistory(
  name: string,
  timeline: TimelineId,
  fetch: Source["fetch"],
): Promise<TimelineHistory | null> {
  try {
    const content = await fetch(name);
    return content === null ? null : parseHistory(timeline, new TextDecoder().decode(content));
  } catch (error) {
    if (error instanceof PgrescueError && error.code === "damaged-data") return null;
    throw error;
  }
}

async function sizeOfSegment(store: ObjectStore, key: string, name: string, fetch: Source["fetch"]): Promise<number> {
  const recorded = Number((await store.head(key))?.metadata["size"]);
  if (Number.isInteger(recorded) && recorded > 0) return recorded;
  return (await fetch(name))?.length ?? defaultSegmentSize;
}
