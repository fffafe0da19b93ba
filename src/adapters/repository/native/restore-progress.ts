import { chmod, lstat, mkdir, open, readdir, readFile, stat, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PgrescueError } from "../../../domain/errors.ts";
import { isUnfinishedMarker, restoreMarker } from "../../../domain/restore-marker.ts";
import { isNoContent } from "../../../domain/set-aside.ts";
import { syncDirectory, writeFileDurably } from "../../system/durable-file.ts";
import { removeOwn } from "../../system/remove.ts";

/** What a marker's first line says: which backup goes into the directory, and which part of it. */
export interface RestoreIdentity {
  readonly format: "pgrescue.restore/v1";
  readonly point: string;
  readonly cluster: string;
  readonly systemIdentifier: string;
  /** Of backup.json: the same id in another repository may be another backup. */
  readonly sha256: string;
  readonly archive: string;
}

/** How far a restore came, kept in the data directory itself. */
export interface RestoreProgress {
  /** Frames of an archive, from its beginning, whose content is on the disk for sure. */
  framesDone(archive: string): number;
  /** Durably notes that the first `frames` frames of an archive are written and fsynced. */
  record(archive: string, frames: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Claims a directory for a restore: makes it (0700) when it is missing, marks it when it is empty, accepts our mark of the
 * same backup. Throws `precondition-refused` for anything else that is in there.
 */
export async function claimDirectory(directory: string, identity: RestoreIdentity): Promise<void> {
  await makeDurably(directory);
  const line = JSON.stringify(identity);
  const names = (await readdir(directory)).filter((name) => !isNoContent(name));
  // Our mark is the first thing in there, so nothing but an unfinished one can stand beside nothing else.
  const unfinished = names.filter(isUnfinishedMarker);
  if (names.length > unfinished.length) return requireOwn(directory, names, line);
  // PostgreSQL refuses a data directory that others may look into.
  if (((await stat(directory)).mode & 0o027) !== 0) await chmod(directory, 0o700);
  for (const name of unfinished) await removeOwn(join(directory, name), { within: directory });
  await writeFileDurably(join(directory, restoreMarker), `${line}\n`);
}

async function requireOwn(directory: string, names: readonly string[], line: string): Promise<void> {
  if (!names.includes(restoreMarker)) {
    throw new PgrescueError("precondition-refused", `${directory} is not empty (it holds ${names[0]})`, {
      next: "Give an empty directory, or move what is there aside.",
    });
  }
  if ((await readMarker(directory))[0] !== line) {
    throw new PgrescueError("precondition-refused", `${directory} holds an unfinished restore of another backup`, {
      next: "Continue that restore, or give an empty directory.",
    });
  }
}

/** Opens the progress that is noted in a claimed data directory. */
export async function openRestoreProgress(directory: string): Promise<RestoreProgress> {
  const path = join(directory, restoreMarker);
  const done = new Map<string, number>();
  for (const line of (await readMarker(directory)).slice(1)) {
    const noted = /^(base|\d{1,10}) (\d+)$/.exec(line);
    if (noted !== null) done.set(noted[1] ?? "", Number(noted[2]));
  }
  const handle: FileHandle = await open(path, "a");
  // A line that a power cut tore must not swallow the next one.
  await handle.write("\n");
  return {
    framesDone: (archive) => done.get(archive) ?? 0,
    record: async (archive, frames) => {
      await handle.write(`${archive} ${frames}\n`);
      await handle.datasync();
      done.set(archive, frames);
    },
    close: () => handle.close(),
  };
}

/** Takes the mark off a directory that is whole. */
export async function releaseDirectory(directory: string): Promise<void> {
  await removeOwn(join(directory, restoreMarker), { within: directory });
  await syncDirectory(directory);
}

/** Lines that were written whole; the last one may be torn. */
async function readMarker(directory: string): Promise<readonly string[]> {
  const path = join(directory, restoreMarker);
  if (!(await lstat(path)).isFile()) throw new PgrescueError("precondition-refused", `${path} is not a plain file`);
  return (await readFile(path, "utf8")).split("\n").slice(0, -1);
}

async function makeDurably(directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = directory; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
}
