import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import type { ArchiveWriter, FillBuffer } from "../../../ports/repository.ts";
import type { OpenedFile } from "./open-ahead.ts";
import type { PageVerifier } from "./page-verifier.ts";

/** Read at once: the next piece is on its way while this one is hashed. */
const piece = 1024 * 1024;

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

function fromHandle(handle: FileHandle, size: number, seen: (bytes: Uint8Array) => void): FillBuffer {
  let at = 0;
  let shrunk = false;
  const read = async (into: Uint8Array): Promise<Uint8Array> => {
    let filled = 0;
    while (!shrunk && filled < into.length) {
      const { bytesRead } = await handle.read(into, filled, into.length - filled, at + filled);
      if (bytesRead === 0) shrunk = true;
      filled += bytesRead;
    }
    if (filled < into.length) into.fill(0, filled);
    at += into.length;
    return into;
  };
  return async (into) => {
    const wanted = into.subarray(0, Math.min(into.length, size - at));
    if (wanted.length === 0) return 0;
    let pending = read(wanted.subarray(0, piece));
    for (let offset = piece; offset < wanted.length; offset += piece) {
      const bytes = await pending;
      pending = read(wanted.subarray(offset, offset + piece));
      pending.catch(() => undefined);
      seen(bytes);
    }
    seen(await pending);
    return wanted.length;
  };
}
