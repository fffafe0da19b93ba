import type { FileHandle } from "node:fs/promises";
import { lstat, open } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { PgrescueError } from "../../../domain/errors.ts";
import type { IndexMember } from "./archive-index.ts";
import { readIndex } from "./archive-index.ts";
import { releaseBytes } from "../../system/release-bytes.ts";
import type { ConfinedTree } from "./confined-tree.ts";
import { inParallel, slots } from "./parallel.ts";
import { readFrame } from "./read-frame.ts";
import type { RestoreProgress } from "./restore-progress.ts";
import type { ContentStore } from "./sealed-store.ts";
import { slicesOf, type FileMember, type FrameSlices, type Slice } from "./restore-slices.ts";

/** Frames that are read, decompressed and written at the same time: each holds its stored and its plain bytes. */
const framesAtOnce = Math.min(Math.max(availableParallelism() + 1, 3), 6);

/** After so many bytes the files are fsynced in the background and the progress is noted. */
const checkpointEvery = 256 * 1024 * 1024;

/** Nor are more files than this remembered between two checkpoints. */
const mostUnnoted = 5000;

export interface ArchiveRestore {
  readonly store: ContentStore;
  /** The backup's folder. */
  readonly folder: string;
  readonly archive: string;
  readonly tree: ConfinedTree;
  readonly progress: RestoreProgress;
  readonly signal: AbortSignal;
  /** Where a file goes, relative to the tree; null: it is left out. */
  readonly placeOf: (path: string) => string | null;
  /** What to do with a link; throws when it has no business there. */
  readonly onLink: (path: string) => Promise<void>;
  readonly written: (bytes: number, doing: string) => void;
}

/** Restores one archive into its tree, from where an earlier attempt came to. All files are fsynced when it resolves. */
export async function restoreArchive(restore: ArchiveRestore): Promise<void> {
  const done = restore.progress.framesDone(restore.archive);
  if (await attempt(restore, done)) return;
  // A file of the finished part is gone: someone was here. Everything is written again.
  await attempt(restore, 0);
}

/** False when the first `skip` frames are not on the disk as they were noted. */
async function attempt(restore: ArchiveRestore, skip: number): Promise<boolean> {
  const { store, folder, archive, tree, progress, signal } = restore;
  const what = `${folder}${archive}.index.zst`;
  const files = openFiles(restore);
  const work = slots(framesAtOnce);
  let touched = new Set<string>();
  let unnoted = 0;
  let frames = 0;
  let noting: Promise<void> = Promise.resolve();

  async function checkpoint(): Promise<void> {
    await noting;
    const [paths, upTo, written] = [touched, frames, work.idle()];
    [touched, unnoted] = [new Set(), 0];
    noting = (async () => {
      await written;
      await inParallel(paths, 2, syncFile);
      await progress.record(archive, upTo);
    })();
    // Awaited before the next one and at the end.
    noting.catch(() => undefined);
  }

  try {
    for await (const entry of slicesOf(readIndex(store.read(what), what), what)) {
      signal.throwIfAborted();
      await prepare(restore, entry.members);
      frames = entry.frame.number + 1;
      if (entry.frame.number < skip) {
        if (!(await isWritten(restore, entry.slices))) return false;
        restore.written(entry.frame.bytes, "looking at what is there");
        continue;
      }
      for (const { file } of entry.slices) {
        const place = restore.placeOf(file.path);
        if (place !== null) touched.add(tree.resolve(place));
      }
      files.expect(entry.slices);
      await work.run(() => restoreFrame(restore, entry, files));
      unnoted += entry.frame.bytes;
      if (unnoted >= checkpointEvery || touched.size >= mostUnnoted) await checkpoint();
    }
    await checkpoint();
    await noting;
    return true;
  } finally {
    await work.settled();
    await noting.catch(() => undefined);
    await files.close();
  }
}

async function prepare({ tree, onLink }: ArchiveRestore, members: readonly IndexMember[]): Promise<void> {
  for (const member of members) {
    if (member.type === "directory") await tree.directory(member.path, member.mode);
    else if (member.type === "link") await onLink(member.path);
  }
}

async function restoreFrame(restore: ArchiveRestore, { frame, slices }: FrameSlices, files: OpenFiles): Promise<void> {
  const content = await readFrame(restore.store, `${restore.folder}${restore.archive}.tar.zst`, frame);
  try {
    await inParallel(slices, 3, (slice) => files.write(slice, content));
  } finally {
    releaseBytes(content);
  }
  restore.written(frame.bytes, `restoring ${slices.at(-1)?.file.path ?? restore.archive}`);
}

/** Whether what these pieces say is in files of at least that length. */
async function isWritten({ tree, placeOf }: ArchiveRestore, slices: readonly Slice[]): Promise<boolean> {
  for (const { file, at, length } of slices) {
    const place = placeOf(file.path);
    if (place === null) continue;
    const found = await lstat(tree.resolve(place)).catch(() => null);
    if (found === null || !found.isFile() || found.size < at + length) return false;
  }
  return true;
}

interface OpenFiles {
  /** Announces pieces in the order of the archive, so that it is known when a file has had its last one. */
  expect(slices: readonly Slice[]): void;
  write(slice: Slice, content: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

interface OpenFile {
  handle: Promise<FileHandle> | null;
  pending: number;
  isLastExpected: boolean;
}

/** Files whose pieces are written in any order: opened with the first, closed after the last one. */
function openFiles({ tree, placeOf }: ArchiveRestore): OpenFiles {
  const opened = new Map<FileMember, OpenFile>();

  return {
    expect: (slices) => {
      for (const { file, at, length } of slices) {
        const entry = opened.get(file) ?? { handle: null, pending: 0, isLastExpected: false };
        entry.pending++;
        entry.isLastExpected = at + length === file.size;
        opened.set(file, entry);
      }
    },
    write: async ({ file, at, from, length }, content) => {
      const place = placeOf(file.path);
      const entry = opened.get(file);
      if (entry === undefined) throw new PgrescueError("bug", `a piece of ${file.path} was not announced`);
      if (place !== null) {
        entry.handle ??= tree.open(place, file.mode);
        await writeAll(await entry.handle, content.subarray(from, from + length), at);
      }
      entry.pending--;
      if (entry.pending > 0 || !entry.isLastExpected) return;
      opened.delete(file);
      await (await entry.handle)?.close();
    },
    close: async () => {
      for (const { handle } of opened.values()) await (await handle?.catch(() => null))?.close();
    },
  };
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += (await handle.write(bytes, written, bytes.length - written, at + written)).bytesWritten;
  }
}

async function syncFile(path: string): Promise<void> {
  await using handle = await open(path, "r");
  await handle.sync();
}
