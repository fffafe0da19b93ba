import { randomBytes } from "node:crypto";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { writeFileDurably } from "../system/durable-file.ts";
import { removeOwn } from "../system/remove.ts";

/** Enough for the closing line, and for a message's worth of metadata on any file system. */
const reserveBytes = 64 * 1024;

/**
 * Keeps space beside a journal that can be given up when the disk is full. Random bytes, so that a compressing file
 * system really sets them aside. On a disk that is full already the journal opens without it.
 */
export async function makeReserve(journal: string): Promise<void> {
  const path = reserveOf(journal);
  const there = await stat(path).then(
    (info) => info.size,
    () => 0,
  );
  if (there >= reserveBytes) return;
  await writeFileDurably(path, randomBytes(reserveBytes)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOSPC" && error.code !== "EDQUOT") throw error;
  });
}

/** Gives the reserved space back to the disk. */
export async function releaseReserve(journal: string): Promise<void> {
  await removeOwn(reserveOf(journal), { within: dirname(journal) });
}

function reserveOf(journal: string): string {
  return `${journal}.reserve`;
}
