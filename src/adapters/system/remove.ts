import { rm, rmdir } from "node:fs/promises";
import { isAbsolute, relative, resolve } from "node:path";
import { PgrescueError } from "../../domain/errors.ts";

/**
 * The only place that deletes. Removes a file or tree that pgrescue itself made; `within` is the directory that the
 * caller owns, and anything that is not strictly below it is refused. Absence is fine; links are removed, not followed.
 */
export async function removeOwn(path: string, options: { readonly within: string }): Promise<void> {
  const below = relative(resolve(options.within), resolve(path));
  if (below === "" || below === ".." || below.startsWith("../") || isAbsolute(below)) {
    throw new PgrescueError("bug", `refused to remove ${path}: it is not below ${options.within}`);
  }
  await rm(resolve(path), { recursive: true, force: true });
}

/** Removes directories that hold nothing, in this order; one that is gone, in use or not empty stays as it is. */
export async function removeEmpty(directories: readonly string[]): Promise<void> {
  for (const directory of directories) await rmdir(directory).catch(() => undefined);
}
