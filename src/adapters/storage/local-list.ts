import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { instantFromMilliseconds } from "../../domain/instant.ts";
import type { ObjectInfo } from "../../ports/object-store.ts";
import { storeError, systemCode } from "./local-errors.ts";
import { isObjectName } from "./local-keys.ts";

/** How many files are looked at in one go. */
const batch = 64;

interface Entry {
  /** The key, with a `/` behind it for a directory: sorting these sorts the keys below them, too. */
  readonly key: string;
  readonly isDirectory: boolean;
}

/**
 * The objects below `prefix` in byte order of whole keys, later than `startAfter`. One directory's names are in memory at
 * a time for each level; directories that cannot hold an answer are not opened. Links and other specials are not objects.
 */
export async function* listDirectory(root: string, prefix: string, startAfter: string): AsyncIterable<ObjectInfo> {
  yield* walk(root, prefix.slice(0, prefix.lastIndexOf("/") + 1), prefix, startAfter);
}

async function* walk(root: string, directory: string, prefix: string, startAfter: string): AsyncIterable<ObjectInfo> {
  const entries = (await names(root, directory))
    .map((entry): Entry => ({
      key: `${directory}${entry.name}${entry.isDirectory() ? "/" : ""}`,
      isDirectory: entry.isDirectory(),
    }))
    .filter(({ key, isDirectory }) => mayHold(key, isDirectory, prefix) && isAfter(key, isDirectory, startAfter))
    .toSorted((a, b) => byteOrder(a.key, b.key));
  let files: string[] = [];
  for (const entry of entries) {
    if (!entry.isDirectory) files.push(entry.key);
    if (files.length === batch || entry.isDirectory) {
      yield* infos(root, files);
      files = [];
    }
    if (entry.isDirectory) yield* walk(root, entry.key, prefix, startAfter);
  }
  yield* infos(root, files);
}

async function names(root: string, directory: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(join(root, directory), { withFileTypes: true });
    return entries.filter((entry) => (entry.isFile() || entry.isDirectory()) && isObjectName(entry.name));
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    // A mounted disk has one of these at its top, for root only.
    if (code === "EACCES" && directory === "lost+found/") return [];
    throw storeError(error, `listing ${join(root, directory)}`);
  }
}

function mayHold(key: string, isDirectory: boolean, prefix: string): boolean {
  return key.startsWith(prefix) || (isDirectory && prefix.startsWith(key));
}

function isAfter(key: string, isDirectory: boolean, startAfter: string): boolean {
  return startAfter === "" || byteOrder(key, startAfter) > 0 || (isDirectory && startAfter.startsWith(key));
}

async function* infos(root: string, keys: readonly string[]): AsyncIterable<ObjectInfo> {
  const found = await Promise.all(keys.map((key) => info(root, key)));
  for (const object of found) if (object !== null) yield object;
}

async function info(root: string, key: string): Promise<ObjectInfo | null> {
  try {
    const { size, mtimeMs } = await stat(join(root, key));
    return { key, size, modifiedAt: instantFromMilliseconds(mtimeMs) };
  } catch (error) {
    // Deleted since the directory was read, or a name that is not UTF-8 and so not one of ours.
    if (systemCode(error) === "ENOENT") return null;
    throw storeError(error, `looking at ${join(root, key)}`);
  }
}

/** Compares as UTF-8 bytes do, which differs from JavaScript's order only where surrogates are involved. */
function byteOrder(a: string, b: string): number {
  if (/[\uD800-\uDFFF]/.test(a) || /[\uD800-\uDFFF]/.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : a > b ? 1 : 0;
}
