import { hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import type { ArchiveWriter, FillBuffer } from "../../../ports/repository.ts";
import type { OpenedFile } from "./open-ahead.ts";
import type { PageVerifier } from "./page-verifier.ts";
import { readError } from "./read-error.ts";
import type { ReadThread } from "./read-thread.ts";

export interface ArchivedFile {
  readonly size: number;
  /** SHA-256 of what went into the archive, in hex. */
  readonly sha256: string;
}

/**
 * Archives an opened file: exactly the size it had when it was opened, zeros where it has shrunk meanwhile. Hashes what
 * it writes and shows every byte to the page verifier. Closes the file.
 */
export async function archiveFile(
  archive: ArchiveWriter,
  file: OpenedFile,
  pages: PageVerifier | null,
  thread: ReadThread,
  onBytes: (count: number) => void,
): Promise<ArchivedFile> {
  const seen = (bytes: Uint8Array): void => {
    pages?.feed(bytes);
    onBytes(bytes.length);
  };
  try {
    const fill =
      file.content === null
        ? fromHandle(file.handle as FileHandle, file.size, thread, seen)
        : fromContent(file.content, seen);
    await archive.file(file.entry.path, file.size, file.attributes, fill);
    const sha256 = file.content === null ? await thread.digest() : hash("sha256", file.content);
    return { size: file.size, sha256 };
  } catch (error) {
    throw readError(error, file.entry.source);
  } finally {
    await file.handle?.close();
  }
}

function fromContent(content: Uint8Array, seen: (bytes: Uint8Array) => void): FillBuffer {
  let at = 0;
  return async (into) => {
    const bytes = content.subarray(at, at + into.length);
    if (bytes.length === 0) return 0;
    into.set(bytes);
    seen(bytes);
    at += bytes.length;
    return bytes.length;
  };
}

/**
 * Read and hashed by a thread of our own: libuv's would wait behind the frames that are being compressed there, and this
 * one would wait for the disk instead of checking pages (measured: a third and a half of the whole time).
 */
function fromHandle(
  handle: FileHandle,
  size: number,
  thread: ReadThread,
  seen: (bytes: Uint8Array) => void,
): FillBuffer {
  let at = 0;
  return async (into) => {
    const wanted = into.subarray(0, Math.min(into.length, size - at));
    await readShared(thread, handle, wanted, at, seen);
    at += wanted.length;
    return wanted.length;
  };
}

/** Through memory of its own where the archive's buffers are not shared between threads. */
async function readShared(
  thread: ReadThread,
  handle: FileHandle,
  into: Uint8Array,
  position: number,
  seen: (bytes: Uint8Array) => void,
): Promise<void> {
  if (into.buffer instanceof SharedArrayBuffer) {
    await thread.read(handle.fd, into, position, seen);
    return;
  }
  const shared = new Uint8Array(new SharedArrayBuffer(into.length));
  await thread.read(handle.fd, shared, position, seen);
  into.set(shared);
}
