import { open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { SegmentRange } from "../../domain/coverage.ts";
import { PgrescueError } from "../../domain/errors.ts";
import { parseWalFileName, segmentNumberOf } from "../../domain/segment.ts";
import { parseHistory, type TimelineHistory } from "../../domain/timeline.ts";
import {
  faultOfPlace,
  faultOfSegment,
  readWalHeader,
  walHeaderLength,
  type WalHeader,
} from "../../domain/wal-header.ts";

/** What a saved pg_wal holds, in the terms of an inventory. */
export interface SavedInventory {
  readonly ranges: readonly SegmentRange[];
  readonly histories: readonly TimelineHistory[];
  readonly others: readonly string[];
}

/**
 * A directory with WAL that never reached an archive: pg_wal of a crashed server, or a copy. Recycled and preallocated
 * segments lie there, too, under names of the future: only the page header tells them from WAL.
 */
export interface SavedWal {
  readonly directory: string;
  /** A segment as it lies there, its end perhaps not yet written, or a history; null when there is none. Throws `damaged-data` for a torn copy. */
  fetch(name: string): Promise<Uint8Array | null>;
  inventory(): Promise<SavedInventory>;
}

/** Looks at saved WAL of one system. A directory that is not there throws `store-failure` on use: it was there when the recovery was planned. */
export function openSavedWal(directory: string, systemIdentifier: string): SavedWal {
  return {
    directory,
    fetch: (name) => fetchSaved(directory, name, systemIdentifier),
    inventory: () => listSaved(directory, systemIdentifier),
  };
}

async function fetchSaved(directory: string, name: string, systemIdentifier: string): Promise<Uint8Array | null> {
  const kind = parseWalFileName(name)?.kind;
  if (kind === undefined || kind === "partial") return null;
  const content = await readFile(join(directory, name)).catch((error: unknown) => absentOrThrow(error, directory));
  if (content === null || kind !== "segment") return content;
  if (!isOwn(name, readWalHeader(content), systemIdentifier)) return null;
  const fault = faultOfSegment(name, content, systemIdentifier);
  if (fault === null) return content;
  throw new PgrescueError("damaged-data", `${join(directory, name)} ${fault}`, {
    next: "Copy it again from the old pg_wal; a segment that was cut off while copying would end recovery too early.",
  });
}

async function listSaved(directory: string, systemIdentifier: string): Promise<SavedInventory> {
  const ranges: SegmentRange[] = [];
  const histories: TimelineHistory[] = [];
  const others: string[] = [];
  const names = await readdir(directory).catch((error: unknown) => {
    throw unusable(error, directory);
  });
  for (const name of names.sort()) {
    const file = parseWalFileName(name);
    if (file?.kind === "history") {
      const content = await readFile(join(directory, name), "utf8");
      const history = parseHistory(file.timeline, content);
      if (history === null) others.push(name);
      else histories.push(history);
    } else if (file?.kind === "segment") {
      const header = await headerOf(join(directory, name));
      const number = header === null ? null : segmentNumberOf(name, header.segmentSize);
      if (number === null || !isOwn(name, header, systemIdentifier)) continue;
      ranges.push({ timeline: file.timeline, from: number, until: number });
    } else if (file?.kind === "partial") {
      others.push(name);
    }
  }
  return { ranges, histories, others };
}

/** Whether a header is what the name says: false for recycled, preallocated and foreign files. */
function isOwn(name: string, header: WalHeader | null, systemIdentifier: string): boolean {
  return header !== null && header.systemIdentifier === systemIdentifier && faultOfPlace(name, header) === null;
}

async function headerOf(path: string): Promise<WalHeader | null> {
  const handle = await open(path, "r");
  try {
    const bytes = new Uint8Array(walHeaderLength);
    const { bytesRead } = await handle.read(bytes, 0, walHeaderLength, 0);
    return readWalHeader(bytes.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}

async function absentOrThrow(error: unknown, directory: string): Promise<null> {
  if ((error as { code?: string }).code !== "ENOENT") throw unusable(error, directory);
  try {
    await readdir(directory);
  } catch (gone) {
    throw unusable(gone, directory);
  }
  return null;
}

function unusable(error: unknown, directory: string): PgrescueError {
  return new PgrescueError("store-failure", `cannot read the saved WAL in ${directory}: ${(error as Error).message}`, {
    cause: error,
  });
}
