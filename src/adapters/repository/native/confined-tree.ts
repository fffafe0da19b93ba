import { constants } from "node:fs";
import { lstat, mkdir, open, readlink, symlink, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PgrescueError } from "../../../domain/errors.ts";
import { restoreMarker } from "../../../domain/restore-marker.ts";

/**
 * A directory that untrusted members are written into: nothing lands outside of it, and no symbolic link is followed
 * or made, except that the caller may make links with targets of its own.
 */
export interface ConfinedTree {
  readonly root: string;
  /** Directories that were made or found, relative, the root as ".". */
  readonly directories: Iterable<string>;
  /** Makes a directory and its parents. Mode 0700, or 0750 where the member's has a right for the group. */
  directory(path: string, mode: number): Promise<void>;
  /** Opens a file for writing at any place, made where it is missing, not truncated. 0600, or 0640 likewise. */
  open(path: string, mode: number): Promise<FileHandle>;
  /** Makes a symbolic link to a place the caller vouches for, and closes the path to members. */
  link(path: string, target: string): Promise<void>;
  /** The absolute path of a member; throws `damaged-data` for one that leads elsewhere. */
  resolve(path: string): string;
}

/** `root` must exist and be a directory. */
export function confinedTree(root: string): ConfinedTree {
  const known = new Map<string, Promise<void>>([[".", Promise.resolve()]]);
  const links = new Set<string>();

  function names(path: string): readonly string[] {
    const parts = path.split("/");
    if (
      parts.some(
        (part) => part === "" || part === "." || part === ".." || part === restoreMarker || part.includes("\0"),
      )
    )
      throw escapes(path);
    return parts;
  }

  async function ensure(path: string): Promise<void> {
    const found = known.get(path);
    if (found !== undefined) return found;
    const made = make(path);
    known.set(path, made);
    return made;
  }

  async function make(path: string): Promise<void> {
    if (links.has(path)) throw escapes(path);
    await ensure(dirname(path));
    try {
      await mkdir(join(root, path), { mode: 0o700 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      if (!(await lstat(join(root, path))).isDirectory()) throw escapes(path);
    }
  }

  return {
    root,
    get directories() {
      return known.keys();
    },
    resolve: (path) => join(root, ...names(path)),
    directory: async (path, mode) => {
      if (path !== ".") names(path);
      await ensure(path);
      if ((mode & 0o050) !== 0) await changeMode(join(root, path), 0o750);
    },
    open: async (path, mode) => {
      names(path);
      await ensure(dirname(path));
      const wanted = (mode & 0o040) === 0 ? 0o600 : 0o640;
      const handle = await open(
        join(root, path),
        constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW,
        wanted,
      ).catch((error: NodeJS.ErrnoException) => {
        throw error.code === "ELOOP" ? escapes(path) : error;
      });
      // The process's umask may have taken the group's right.
      if (wanted === 0o640) await handle.chmod(wanted);
      return handle;
    },
    link: async (path, target) => {
      names(path);
      await ensure(dirname(path));
      links.add(path);
      try {
        await symlink(target, join(root, path));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
        const found = await readlink(join(root, path)).catch(() => null);
        if (found !== target)
          throw new PgrescueError(
            "precondition-refused",
            `${join(root, path)} is there already and is not a link to ${target}`,
          );
      }
    },
  };
}

async function changeMode(path: string, mode: number): Promise<void> {
  await using handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  await handle.chmod(mode);
}

function escapes(path: string): PgrescueError {
  return new PgrescueError(
    "damaged-data",
    `the backup holds ${JSON.stringify(path)}, which leads outside of the directory that is restored`,
    {
      means:
        "A backup that was taken by pgrescue holds no such thing: it was changed by someone. Nothing was written outside of the directory.",
    },
  );
}
