import { randomBytes } from "node:crypto";
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { removeOwn } from "./remove.ts";

/** Makes the names in a directory durable (fsync of the directory). */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Replaces a file's content so that a reader, and the disk after a power cut, has either the old or the new one:
 * temporary file, fsync, rename, fsync of the directory. Mode 0600 unless told otherwise.
 */
export async function writeFileDurably(path: string, content: Uint8Array | string, mode = 0o600): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  const handle = await open(temporary, "wx", mode);
  try {
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await removeOwn(temporary, { within: dirname(path) });
    throw error;
  }
  await syncDirectory(dirname(path));
}
