import { hash } from "node:crypto";
import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { ObservedObject } from "../../ports/object-store.ts";
import { withFileLock } from "../system/file-lock.ts";
import { systemCode } from "./local-errors.ts";
import { hiddenPrefix } from "./local-keys.ts";
import { publish, writeTemporary } from "./local-writing.ts";

/** A file's content, and its hash as the version. */
export async function observeFile(path: string): Promise<ObservedObject> {
  await using handle: FileHandle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const bytes = await handle.readFile();
  return { bytes, version: hash("sha256", bytes) };
}

/**
 * Overwrites a file while its version is `version`: comparing and renaming happen under a lock that ends with its holder,
 * on a network file system that passes locks on for all hosts. Null where it is another file by now, or none.
 */
export async function replaceFile(
  root: string,
  path: string,
  bytes: Uint8Array,
  version: string,
): Promise<string | null> {
  const lock = join(dirname(path), `${hiddenPrefix}${basename(path)}.lock`);
  return withFileLock(lock, async () => {
    const before = await observeFile(path).catch((error: unknown) => {
      if (systemCode(error) === "ENOENT") return null;
      throw error;
    });
    if (before?.version !== version) return null;
    await publish(root, await writeTemporary(root, path, bytes), path, undefined);
    return hash("sha256", bytes);
  });
}
