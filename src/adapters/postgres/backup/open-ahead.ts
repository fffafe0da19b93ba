import { open, type FileHandle } from "node:fs/promises";
import type { FileAttributes } from "../../../ports/repository.ts";
import { readError } from "./read-error.ts";
import type { Entry } from "./tree.ts";

export type FileEntry = Extract<Entry, { readonly type: "file" }>;

/** A file that is open, cut at the size it had then. `content` is there for small files, whose handle is closed already. */
export interface OpenedFile {
  readonly type: "opened";
  readonly entry: FileEntry;
  readonly size: number;
  readonly attributes: FileAttributes;
  readonly content: Uint8Array | null;
  readonly handle: FileHandle | null;
}

export type OpenedEntry = OpenedFile | Exclude<Entry, { readonly type: "file" }>;

/** Files up to this size are read when they are opened: most files of a database are tiny, and waiting for each costs more than reading. */
const smallFile = 256 * 1024;

/** How many files are opened ahead of the one that is being archived. */
const depth = 16;

/** The same entries in the same order, files opened (small ones read) ahead. Files that have vanished are left out. */
export async function* openAhead(entries: AsyncIterator<Entry>): AsyncGenerator<OpenedEntry> {
  const queue: Promise<OpenedEntry | null>[] = [];
  let ended = false;
  try {
    for (;;) {
      while (!ended && queue.length < depth) {
        const next = await entries.next();
        if (next.done === true) ended = true;
        else queue.push(prepared(next.value));
      }
      const first = queue.shift();
      if (first === undefined) return;
      const entry = await first;
      if (entry !== null) yield entry;
    }
  } finally {
    await entries.return?.();
    for (const left of queue)
      await left.then((e) => (e?.type === "opened" ? e.handle?.close() : undefined)).catch(() => undefined);
  }
}

function prepared(entry: Entry): Promise<OpenedEntry | null> {
  const result = entry.type === "file" ? openFile(entry) : Promise.resolve(entry);
  // Waited for later, in order; until then a failure must not count as unhandled.
  result.catch(() => undefined);
  return result;
}

/** Opens one file; null when it has vanished. */
export async function openFile(entry: FileEntry): Promise<OpenedFile | null> {
  let handle: FileHandle;
  try {
    handle = await open(entry.source, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw readError(error, entry.source);
  }
  try {
    const info = await handle.stat();
    const attributes = { mode: info.mode & 0o7777, mtime: Math.floor(info.mtimeMs / 1000) };
    if (info.size > smallFile) return { type: "opened", entry, size: info.size, attributes, content: null, handle };
    // Zeros where the file shrinks meanwhile.
    const content = new Uint8Array(info.size);
    for (let at = 0; at < info.size;) {
      const { bytesRead } = await handle.read(content, at, info.size - at, at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    await handle.close();
    return { type: "opened", entry, size: info.size, attributes, content, handle: null };
  } catch (error) {
    await handle.close();
    throw readError(error, entry.source);
  }
}
