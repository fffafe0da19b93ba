import type { SegmentRange } from "../../domain/coverage.ts";
import { messageOf, PgrescueError } from "../../domain/errors.ts";
import { formatLsn } from "../../domain/lsn.ts";
import { defaultSegmentSize, parseWalFileName, segmentNumberOf } from "../../domain/segment.ts";
import type { TimelineHistory } from "../../domain/timeline.ts";
import type { WalArchive } from "../../ports/repository.ts";
import { forkWithin, isBeyondFork, judgeAbsence, type WalEvidence } from "./absence.ts";
import type { SavedWal } from "./saved-wal.ts";

/** A place that WAL is read from; `inventory` null where the place cannot list (WAL inside a backup). */
export interface WalPlace {
  readonly name: string;
  /** Pieces of the content in order. */
  fetch(name: string): Promise<readonly Uint8Array[] | null>;
  readonly inventory: (() => Promise<Listing>) | null;
}

/** What a place lists; the segment size where it knows one. */
export type Listing = Pick<WalEvidence, "ranges" | "histories" | "others"> & { readonly segmentSize?: number };

/** Where a recovery's WAL comes from and what is known of it. */
export interface WalRequest {
  readonly places: readonly WalPlace[];
  /** null: what the archives say. */
  readonly segmentSize: number | null;
  readonly target: TimelineHistory | null;
  readonly known: readonly SegmentRange[];
}

/** A file's verified content and where it was found, or the proof that there is no such file. */
export type Fetched =
  | {
      readonly kind: "found";
      /** Pieces in order. */
      readonly content: readonly Uint8Array[];
      readonly place: string;
      readonly warnings: readonly string[];
    }
  | { readonly kind: "absent"; readonly because: string };

/** The places of a recovery in the order in which they are read: archives, saved WAL. */
export function walPlaces(
  archives: readonly { readonly name: string; readonly archive: WalArchive }[],
  saved: readonly SavedWal[],
): readonly WalPlace[] {
  return [
    ...archives.map(({ name, archive }) => ({
      name,
      fetch: async (file: string) =>
        archive.fetchParts === undefined ? inOne(await archive.fetch(file)) : await archive.fetchParts(file),
      inventory: () => archive.inventory(),
    })),
    ...saved.map((wal) => ({
      name: wal.directory,
      fetch: async (file: string) => inOne(await wal.fetch(file)),
      inventory: () => wal.inventory(),
    })),
  ];
}

/**
 * Finds a WAL file: the first place with a whole, verified copy gives it. Absence is answered only when every place was
 * read and the listings prove it. Throws the first place's error when one failed and none had the file, and
 * `damaged-data` when the file is missing where there must be one.
 */
export async function fetchWal(name: string, request: WalRequest): Promise<Fetched> {
  const file = parseWalFileName(name);
  if (file === null) throw new PgrescueError("usage", `${JSON.stringify(name)} is not the name of a WAL file`);
  const segmentSize = request.segmentSize ?? defaultSegmentSize;
  const number = file.kind === "segment" ? segmentNumberOf(name, segmentSize) : null;
  const early: WalEvidence = { ...request, segmentSize, ranges: request.known, histories: [], others: [] };
  if (number !== null && isBeyondFork(file.timeline, number, early)) {
    return { kind: "absent", because: `recovery leaves timeline ${file.timeline} before it` };
  }
  const fork = number === null ? null : forkWithin(file.timeline, number, early);
  const { content, place, errors } = await readFirst(name, request.places);
  const warnings = errors.map((error) => `${messageOf(error)}; used the copy in ${place}`);
  if (content !== null && fork === null) return { kind: "found", content, place, warnings };
  if (errors[0] !== undefined && content === null) throw errors[0];
  if (content !== null && fork !== null) {
    throw new PgrescueError(
      "damaged-data",
      `${name} goes on where recovery leaves timeline ${file.timeline} at ${formatLsn(fork)}, and the new timeline's own copy of that segment is missing`,
      {
        means: "Replaying it would bring transactions that the chosen timeline never had; it was not used.",
        next: `Bring the missing segment of the new timeline into the archive, or recover along timeline ${file.timeline}.`,
      },
    );
  }
  const evidence = await gatherEvidence(request);
  const verdict = judgeAbsence(name, evidence);
  if (verdict.isProven) return { kind: "absent", because: verdict.because };
  // It may have arrived between the two looks.
  const again = await readFirst(name, request.places);
  if (again.content !== null && fork === null)
    return { kind: "found", content: again.content, place: again.place, warnings: [] };
  throw new PgrescueError("damaged-data", `no copy of ${name}: ${verdict.because}`, {
    means: "There is a hole in the WAL, not its end: going on would lose what comes after it without a word.",
    next: "Bring the file into the archive or into the saved WAL, then start the server again: recovery goes on. Or choose a target before the hole.",
  });
}

/** Content that is in one piece. */
export function inOne(content: Uint8Array | null): readonly Uint8Array[] | null {
  return content === null ? null : [content];
}

async function readFirst(
  name: string,
  places: readonly WalPlace[],
): Promise<{
  readonly content: readonly Uint8Array[] | null;
  readonly place: string;
  readonly errors: readonly unknown[];
}> {
  const errors: unknown[] = [];
  for (const place of places) {
    try {
      const content = await place.fetch(name);
      if (content !== null) return { content, place: place.name, errors };
    } catch (error) {
      errors.push(error);
    }
  }
  return { content: null, place: "", errors };
}

/** One complete listing of every place. Throws when any cannot be listed: then nothing is proven. */
async function gatherEvidence({ places, segmentSize, target, known }: WalRequest): Promise<WalEvidence> {
  const all = await Promise.all(places.flatMap((place) => (place.inventory === null ? [] : [place.inventory()])));
  return {
    segmentSize:
      segmentSize ?? all.find((listing) => listing.segmentSize !== undefined)?.segmentSize ?? defaultSegmentSize,
    target,
    ranges: [...known, ...all.flatMap((listing) => listing.ranges)],
    histories: all.flatMap((listing) => listing.histories),
    others: all.flatMap((listing) => listing.others),
  };
}
