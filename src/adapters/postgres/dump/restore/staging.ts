import { mkdir, open, statfs } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../../../domain/errors.ts";
import { formatBytes } from "../../../../domain/quantity.ts";
import type { Verdict } from "../../../../domain/verdict.ts";
import type { DumpFile, DumpReader } from "../../../../ports/dump.ts";
import { removeOwn } from "../../../system/remove.ts";

/** Whether a directory has room for a database's archive: at most what all of the dump takes. */
export async function spaceForStaging(directory: string, { point }: DumpReader): Promise<Verdict> {
  const head = { check: "restore.staging", title: "There is room for the archive" } as const;
  try {
    const { bavail, bsize } = await statfs(directory);
    const free = bavail * bsize;
    const evidence = `${formatBytes(free)} free in ${directory}, at most ${formatBytes(point.storedBytes)} are needed`;
    if (free > point.storedBytes) return { ...head, result: "pass", evidence };
    return { ...head, result: "fail", evidence, mend: "Make room, or restore with --jobs 1, which needs none." };
  } catch (error) {
    return { ...head, result: "unknown", evidence: messageOf(error) };
  }
}

/** Writes the files of a directory archive (0600, in a directory of 0700) of its own, uses them and removes them. */
export async function withStagedFiles<T>(
  directory: string,
  name: string,
  files: AsyncIterable<DumpFile>,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const path = join(directory, name);
  await removeOwn(path, { within: directory });
  await mkdir(path, { mode: 0o700 });
  try {
    for await (const file of files) await writeAll(join(path, file.name), file.content);
    return await use(path);
  } finally {
    await removeOwn(path, { within: directory });
  }
}

async function writeAll(path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    for await (const chunk of content) await file.write(chunk);
  } finally {
    await file.close();
  }
}

/** Writes an archive into a file (0600) of its own, uses it and removes it. */
export async function withStaged<T>(
  directory: string,
  name: string,
  content: AsyncIterable<Uint8Array>,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const path = join(directory, name);
  try {
    // What an attempt that was cut off has left is ours, too.
    await writeAll(path, content);
    return await use(path);
  } finally {
    await removeOwn(path, { within: directory });
  }
}
