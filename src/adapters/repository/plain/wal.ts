import { messageOf, PgrescueError } from "../../../domain/errors.ts";
import type { WalInventory } from "../../../domain/coverage.ts";
import { joinRanges } from "../../../domain/inventory.ts";
import { parseWalFileName, segmentNumberOf } from "../../../domain/segment.ts";
import { parseHistory, type TimelineHistory } from "../../../domain/timeline.ts";
import { faultOfSegment, readWalHeader, walHeaderLength, type WalHeader } from "../../../domain/wal-header.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import type { WalArchive } from "../../../ports/repository.ts";
import { readContent } from "./content.ts";
import { placeOfFolder, type SegmentRun, type WalObject } from "./wal-names.ts";
import { unwrapHead, wrappingOf } from "./wrapping.ts";

/** A folder (with the folders of 16 digits in it) of WAL of one system, as its first readable segment says. */
export interface WalPlace {
  readonly folder: string;
  readonly systemIdentifier: string;
  readonly segmentSize: number;
  readonly magic: number;
  readonly runs: readonly SegmentRun[];
  readonly others: readonly WalObject[];
}

/** PostgreSQL's largest segment. */
const largest = 1024 * 1024 * 1024;

/** Groups what was listed by folder and asks one segment of each which system it is of. Folders without a readable one are left out. */
export async function walPlaces(
  store: ObjectStore,
  runs: readonly SegmentRun[],
  others: readonly WalObject[],
): Promise<{ readonly places: readonly WalPlace[]; readonly warnings: readonly string[] }> {
  const folders = new Map<string, { runs: SegmentRun[]; others: WalObject[] }>();
  const of = (folder: string): { runs: SegmentRun[]; others: WalObject[] } => {
    const place = placeOfFolder(folder);
    const known = folders.get(place) ?? { runs: [], others: [] };
    folders.set(place, known);
    return known;
  };
  for (const run of runs) of(run.folder).runs.push(run);
  for (const other of others) of(other.folder).others.push(other);
  const places: WalPlace[] = [];
  const warnings: string[] = [];
  for (const [folder, found] of folders) {
    const header = await headerOf(store, found.runs);
    if (header === null) {
      if (found.runs.length > 0)
        warnings.push(
          `the WAL in ${folder === "" ? "the root" : folder} cannot be read: no segment begins as WAL does`,
        );
      continue;
    }
    const { systemIdentifier, segmentSize, magic } = header;
    places.push({ folder, systemIdentifier, segmentSize, magic, ...found });
  }
  return { places, warnings };
}

/** The header of the first segment that has one; a torn upload may have none. */
async function headerOf(store: ObjectStore, runs: readonly SegmentRun[]): Promise<WalHeader | null> {
  for (const run of runs.slice(0, 20)) {
    for (const name of new Set([run.first, run.last])) {
      const header = await headerAt(store, run.folder + name + run.suffix);
      if (header !== null) return header;
    }
  }
  return null;
}

async function headerAt(store: ObjectStore, key: string): Promise<WalHeader | null> {
  const size = (await store.head(key))?.size ?? 0;
  if (size < 16) return null;
  const head = await store.get(key, { offset: 0, length: Math.min(size, 256 * 1024) });
  if (head === null) return null;
  const wrapping = wrappingOf(head);
  const content =
    wrapping === "none" ? Buffer.from(head) : await unwrapHead(head, wrapping).catch(() => Buffer.alloc(0));
  return content.length < walHeaderLength ? null : readWalHeader(content);
}

/** The WAL of one system in places of others' making: read, verified by its own headers, never written. */
export function plainWal(store: ObjectStore, places: readonly WalPlace[], systemIdentifier: string): WalArchive {
  const own = places.filter((place) => place.systemIdentifier === systemIdentifier);
  const segmentSize = own[0]?.segmentSize ?? 16 * 1024 * 1024;

  /** Every key under which a file lies, whole ones by their size first. */
  function keysOf(name: string): readonly string[] {
    const keys: string[] = [];
    for (const { runs, others } of own) {
      for (const run of runs) if (run.first <= name && name <= run.last) keys.push(run.folder + name + run.suffix);
      for (const other of others) if (other.name === name) keys.push(other.folder + name + other.suffix);
    }
    return keys;
  }

  async function fetch(name: string): Promise<Uint8Array | null> {
    let damage: string | null = null;
    for (const key of keysOf(name)) {
      try {
        const content = await readContent(store, key, largest);
        if (content === null) continue;
        const fault = faultOf(name, content, systemIdentifier);
        if (fault === null) return content;
        damage ??= `${key} ${fault}`;
      } catch (error) {
        if (!(error instanceof PgrescueError) || error.code !== "damaged-data") throw error;
        damage ??= messageOf(error);
      }
    }
    if (damage === null) return null;
    throw new PgrescueError("damaged-data", `${name} in ${store.url} is damaged: ${damage}`);
  }

  return {
    fetch,
    has: (name) => Promise.resolve(keysOf(name).length > 0),
    inventory: () => inventoryOf(own, systemIdentifier, segmentSize, fetch),
    store: (name) =>
      Promise.reject(
        new PgrescueError(
          "precondition-refused",
          `${name} cannot be stored in ${store.url}: it is not a repository of pgrescue's`,
        ),
      ),
  };
}

async function inventoryOf(
  places: readonly WalPlace[],
  systemIdentifier: string,
  segmentSize: number,
  fetch: WalArchive["fetch"],
): Promise<WalInventory> {
  const others: string[] = [];
  const ranges = places.flatMap(({ runs }) =>
    runs.flatMap((run) => {
      const [from, until] = [segmentNumberOf(run.first, segmentSize), segmentNumberOf(run.last, segmentSize)];
      const timeline = parseWalFileName(run.first)?.timeline;
      // Uncompressed and not of a segment's size: an upload or a copy that was cut off.
      if (
        from === null ||
        until === null ||
        timeline === undefined ||
        (run.size !== null && run.size !== segmentSize)
      ) {
        others.push(run.first);
        return [];
      }
      return [{ timeline, from, until }];
    }),
  );
  const histories = new Map<number, TimelineHistory>();
  for (const name of new Set(places.flatMap((place) => place.others.map((other) => other.name)))) {
    const file = parseWalFileName(name);
    if (file?.kind !== "history") {
      others.push(name);
      continue;
    }
    const content = await fetch(name).catch(() => null);
    const history = content === null ? null : parseHistory(file.timeline, new TextDecoder().decode(content));
    if (history === null) others.push(name);
    else histories.set(file.timeline, history);
  }
  return {
    systemIdentifier,
    segmentSize,
    ranges: joinRanges(ranges),
    histories: [...histories.values()].sort((a, b) => a.timeline - b.timeline),
    others: [...new Set(others)].sort(),
  };
}

function faultOf(name: string, content: Uint8Array, systemIdentifier: string): string | null {
  const file = parseWalFileName(name);
  if (file?.kind === "segment") return faultOfSegment(name, content, systemIdentifier);
  if (file?.kind === "partial") return "is a partial segment";
  const text = new TextDecoder().decode(content);
  if (file?.kind === "history") return parseHistory(file.timeline, text) === null ? "is not a timeline history" : null;
  return text.startsWith("START WAL LOCATION:") ? null : "is not a backup history file";
}
