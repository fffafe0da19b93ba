import { hash } from "node:crypto";
import { mkdir, readdir, readFile, rename, stat, utimes, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { parseWalFileName } from "../../domain/segment.ts";
import { removeOwn } from "../system/remove.ts";
import { pushWal, readWalFile, type PushRequest } from "./push.ts";
import { pushedDirectory } from "./restore-command.ts";

/** Segments that are sent at the same time; each is in memory twice, plain and compressed. */
const atOnce = 3;
/** Larger ones are sent one by one: memory stays bounded. */
const largestSegment = 64 * 1024 * 1024;
/** After this nothing more is begun: PostgreSQL, when it shuts down, waits for the command that runs. */
const patienceMilliseconds = 10_000;
/** How long a note is believed, in milliseconds. */
const noteAge = 3_600_000;

/**
 * What was sent before PostgreSQL asked for it, noted in a file for each segment below pg_wal, where PostgreSQL leaves
 * names alone that are not its own. A note is written when every repository has the segment durably; losing it costs a second
 * sending. archive_command takes it by itself where it can; what comes here is a call by hand, or one after the configuration changed.
 */
export interface PushedAhead {
  /** Whether the segment is stored in all these places with exactly this content. Forgets it: PostgreSQL asks once. */
  take(name: string, content: Uint8Array): Promise<boolean>;
  /** Whether there is a note at all, before anything is known of places or content. */
  has(name: string): Promise<boolean>;
}

interface Note {
  readonly sha256: string;
  /** Of what the places are: a changed configuration makes notes void. */
  readonly places: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** The notes of a data directory. `places` says which repositories are meant, by all that tells one from another. */
export function pushedAhead(dataDirectory: string, places: () => unknown): PushedAhead {
  const directory = notesOf(dataDirectory);
  return {
    has: (name) =>
      stat(join(directory, name)).then(
        () => true,
        () => false,
      ),
    take: async (name, content) => {
      const note = await readNote(join(directory, name));
      await removeOwn(join(directory, name), { within: directory });
      if (note === null || note.places !== digestOf(places())) return false;
      const age = Date.now() - note.at;
      return age >= 0 && age < noteAge && note.sha256 === hash("sha256", content);
    },
  };
}

/**
 * Sends segments that wait behind `path`, the one that PostgreSQL asks for, at most `most` of them, and notes them. Never
 * throws: what cannot be sent now is PostgreSQL's next question, and answered then. `isOver` ends it early.
 */
export async function pushAhead(
  path: string,
  {
    archives,
    places,
    most,
    sha256Of,
    isOver,
  }: Pick<PushRequest, "archives"> & {
    readonly places: unknown;
    readonly most: number;
    /** SHA-256 of a segment's content, which the work of storing it has found out anyway. */
    readonly sha256Of: (name: string, content: Uint8Array) => Promise<string>;
    readonly isOver: () => boolean;
  },
): Promise<void> {
  const wal = dirname(path);
  const began = performance.now();
  const started = new Date(performance.timeOrigin);
  const directory = notesOf(dirname(wal));
  try {
    const waiting = await waitingBehind(path, most, directory);
    if (waiting.length === 0) return;
    await mkdir(directory, { mode: 0o700, recursive: true });
    await forgetOld(directory);
    const next = waiting.values();
    const worker = async (): Promise<void> => {
      for (const name of next) {
        if (isOver() || performance.now() - began > patienceMilliseconds) return;
        const { content } = await readWalFile(join(wal, name));
        await pushWal({ name, content, archives });
        const note: Note = { sha256: await sha256Of(name, content), places: digestOf(places), at: Date.now() };
        await writeNote(join(directory, name), note, started);
      }
    };
    await Promise.allSettled(Array.from({ length: atOnce }, worker));
  } catch {
    // No status directory, or no right to make notes: then one at a time.
  }
}

function notesOf(dataDirectory: string): string {
  return join(dataDirectory, pushedDirectory);
}

/** Names of whole segments of the same timeline that are ready and newer, oldest first, without those that are noted already. */
async function waitingBehind(path: string, most: number, notes: string): Promise<readonly string[]> {
  const own = basename(path);
  const file = parseWalFileName(own);
  if (most < 1 || file?.kind !== "segment" || (await stat(path)).size > largestSegment) return [];
  const noted = new Set(await readdir(notes).catch(() => []));
  const status = await readdir(join(dirname(path), "archive_status"));
  return status
    .filter((name) => name.endsWith(".ready"))
    .map((name) => name.slice(0, -".ready".length))
    .filter((name) => parseWalFileName(name)?.kind === "segment" && name.slice(0, 8) === own.slice(0, 8) && name > own)
    .sort()
    .slice(0, most)
    .filter((name) => !noted.has(name));
}

/** Dated from before the configuration was read: archive_command takes a note for void when that has changed since. */
async function writeNote(path: string, note: Note, began: Date): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(note), { mode: 0o600 });
  await utimes(`${path}.new`, began, began);
  await rename(`${path}.new`, path);
}

async function readNote(path: string): Promise<Note | null> {
  try {
    const { sha256, places, at } = JSON.parse(await readFile(path, "utf8")) as Partial<Note>;
    return typeof sha256 === "string" && typeof places === "string" && typeof at === "number"
      ? { sha256, places, at }
      : null;
  } catch {
    return null;
  }
}

/** Notes that PostgreSQL never asked for: after a promotion, or a reset of the WAL. */
async function forgetOld(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const { mtimeMs } = await stat(join(directory, name));
    if (Date.now() - mtimeMs > noteAge) await removeOwn(join(directory, name), { within: directory });
  }
}

function digestOf(places: unknown): string {
  return hash("sha256", JSON.stringify(places));
}
