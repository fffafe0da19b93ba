import { createHash } from "node:crypto";
import { readSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import type { ArchiveWriter, FillBuffer } from "../../../ports/repository.ts";
import type { OpenedFile } from "./open-ahead.ts";
import { readError } from "./read-error.ts";
import type { PageVerifier } from "./page-verifier.ts";

/** Bytes that are read and hashed at a time, and after how many the event loop gets its turn. */
const piece = 256 * 1024;
const turn = 1024 * 1024;

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
  onBytes: (count: number) => void,
): Promise<ArchivedFile> {
  const hash = createHash("sha256");
  const seen = (bytes: Uint8Array): void => {
    hash.update(bytes);
    pages?.feed(bytes);
    onBytes(bytes.length);
  };
  try {
    const fill =
      file.content === null ? fromHandle(file.handle as FileHandle, file.size, seen) : fromContent(file.content, seen);
    await archive.file(file.entry.path, file.size, file.attributes, fill);
  } catch (error) {
    throw readError(error, file.entry.source);
  } finally {
    await file.handle?.close();
  }
  return { size: file.size, sha256: hash.digest("hex") };
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
 * Read synchronously, piece by piece: the piece is still in the processor's cache when it is hashed, and a read through
 * libuv's pool would wait behind the frames that are being compressed there (measured: a third of the whole time).
 * Between pieces the event loop gets its turn.
 */
function fromHandle(handle: FileHandle, size: number, seen: (bytes: Uint8Array) => void): FillBuffer {
  let at = 0;
  let shrunk = false;
  return async (into) => {
    const wanted = into.subarray(0, Math.min(into.length, size - at));
    for (let offset = 0; offset < wanted.length; offset += piece) {
      const part = wanted.subarray(offset, offset + piece);
      const filled = shrunk ? 0 : readFully(handle.fd, part, at);
      if (filled < part.length) {
        shrunk = true;
        part.fill(0, filled);
      }
      at += part.length;
      seen(part);
      if (offset % turn === 0) await setImmediate();
    }
    return wanted.length;
  };
}

/** Fills `into` from `position` on; returns how much there was. */
function readFully(fd: number, into: Uint8Array, position: number): number {
  let filled = 0;
  while (filled < into.length) {
    const count = readSync(fd, into, filled, into.length - filled, position + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}
