import { randomBytes } from "node:crypto";
import { access, link, lstat, mkdir, open, readFile, rename, type FileHandle } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { dirname, join } from "node:path";
import { PgrescueError } from "../../domain/errors.ts";
import type { Metadata } from "../../ports/object-store.ts";
import { syncDirectory } from "../system/durable-file.ts";
import { removeOwn } from "../system/remove.ts";
import { systemCode } from "./local-errors.ts";
import { hiddenPrefix, metadataSuffix, refuseLinks } from "./local-keys.ts";

/** How long another writer may stand between its metadata and its object before we take it for dead, in milliseconds. */
const stalledAfter = 2000;

/** An unfinished file in the directory of `path`, which is made durably where it is missing. */
export async function createTemporary(root: string, path: string): Promise<{ handle: FileHandle; temporary: string }> {
  const directory = dirname(path);
  const temporary = join(directory, `${hiddenPrefix}${randomBytes(9).toString("hex")}.tmp`);
  await refuseLinks(root, path);
  try {
    return { handle: await open(temporary, "wx", 0o600), temporary };
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
    await makeDirectories(root, directory);
    return { handle: await open(temporary, "wx", 0o600), temporary };
  }
}

/** Makes `directory` and what is missing above it, up to `root`, which must be there: a missing mount is not filled. */
async function makeDirectories(root: string, directory: string): Promise<void> {
  await requireRoot(root);
  const first = await mkdir(directory, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = directory; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
}

/** Throws `repository-not-found` when the root is not there, so that an unmounted disk never looks like an empty one. */
export async function requireRoot(root: string): Promise<void> {
  try {
    await access(root);
  } catch (error) {
    if (!["ENOENT", "ENOTDIR"].includes(systemCode(error))) throw error;
    throw new PgrescueError("repository-not-found", `there is no directory ${root}`, { cause: error });
  }
}

/** Writes a whole file under a temporary name, durably, and returns that name. */
export async function writeTemporary(root: string, path: string, bytes: Uint8Array | string): Promise<string> {
  const { handle, temporary } = await createTemporary(root, path);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } catch (error) {
    await removeOwn(temporary, { within: root });
    throw error;
  } finally {
    await handle.close();
  }
  return temporary;
}

/** Gives a finished temporary file its name, replacing what is there. Metadata appears first. */
export async function publish(
  root: string,
  temporary: string,
  path: string,
  metadata: Metadata | undefined,
): Promise<void> {
  if (metadata !== undefined)
    await rename(await writeTemporary(root, path, JSON.stringify(metadata)), path + metadataSuffix);
  await rename(temporary, path);
  if (metadata === undefined) await removeOwn(path + metadataSuffix, { within: root });
  await syncDirectory(dirname(path));
}

/** Gives a finished temporary file its name unless something has it: link(2) never replaces. Removes the temporary name. */
export async function publishIfAbsent(
  root: string,
  temporary: string,
  path: string,
  metadata: Metadata | undefined,
): Promise<"stored" | "exists"> {
  try {
    const isFree =
      !(await exists(path)) && (metadata === undefined || (await claimMetadata(root, path, JSON.stringify(metadata))));
    const stored = isFree && (await linkIfAbsent(temporary, path));
    // Also when it exists: its writer may have been killed before its own fsync of the directory, and "exists" lets the
    // caller forget its copy.
    await syncDirectory(dirname(path));
    return stored ? "stored" : "exists";
  } finally {
    await removeOwn(temporary, { within: root });
  }
}

/**
 * Puts the metadata in place for an object that does not exist yet; false when the object turned up meanwhile. Two
 * writers with other content must never mix one's metadata with the other's object, so the metadata's name is the claim.
 */
async function claimMetadata(root: string, path: string, text: string): Promise<boolean> {
  const temporary = await writeTemporary(root, path, text);
  try {
    const deadline = performance.now() + stalledAfter;
    while (!(await linkIfAbsent(temporary, path + metadataSuffix))) {
      if (await exists(path)) return false;
      if ((await readFile(path + metadataSuffix, "utf8")) === text) return true;
      if (performance.now() > deadline) {
        await rename(temporary, path + metadataSuffix);
        return true;
      }
      await delay(20);
    }
    return true;
  } finally {
    await removeOwn(temporary, { within: root });
  }
}

async function linkIfAbsent(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw error;
  }
}

/** Removes an object with its metadata; anything that is not a plain file is left alone. */
export async function removeObject(root: string, path: string): Promise<void> {
  if (!(await isFile(path))) return;
  await removeOwn(path, { within: root });
  await removeOwn(path + metadataSuffix, { within: root });
  await syncDirectory(dirname(path));
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isFile();
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw error;
  }
}
