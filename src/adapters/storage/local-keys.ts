import { realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PgrescueError } from "../../domain/errors.ts";
import { systemCode } from "./local-errors.ts";

/** Names that begin so are our unfinished files: never an object, never listed. */
export const hiddenPrefix = ".pgrescue-";

/** Beside an object `x`, its metadata as JSON lies in `x.meta`. */
export const metadataSuffix = ".meta";

/** Whether a file's name may be part of a key. */
export function isObjectName(name: string): boolean {
  return (
    name !== "" &&
    name !== "." &&
    name !== ".." &&
    !name.startsWith(hiddenPrefix) &&
    !name.endsWith(metadataSuffix) &&
    !/[/\0]/.test(name)
  );
}

/** The path of a key below `root`; throws `precondition-refused` for a key that is not plain relative names. */
export function pathOf(root: string, key: string): string {
  if (!key.split("/").every(isObjectName))
    throw new PgrescueError("precondition-refused", `${JSON.stringify(key)} is not a key that a directory can hold`);
  return join(root, key);
}

/**
 * Checks that no directory between `root` (a real path) and the file is a symbolic link. Directories that do not
 * exist are fine. Throws `store-failure`.
 */
export async function refuseLinks(root: string, path: string): Promise<void> {
  const parent = dirname(path);
  if (parent === root) return;
  const real = await realpath(parent).catch((error: unknown) => {
    if (["ENOENT", "ENOTDIR"].includes(systemCode(error))) return null;
    throw error;
  });
  if (real === null) return refuseLinks(root, parent);
  if (real !== parent) {
    throw new PgrescueError("store-failure", `${parent} leads through a symbolic link to ${real}`, {
      next: "Put real directories below the repository's root; only the root itself may be a link.",
    });
  }
}
