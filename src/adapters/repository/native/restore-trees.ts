import { access, rename } from "node:fs/promises";
import { dirname, isAbsolute, join, relative } from "node:path";
import { messageOf, PgrescueError } from "../../../domain/errors.ts";
import type { Progress } from "../../../ports/progress.ts";
import type { RestoreRequest } from "../../../ports/repository.ts";
import { syncDirectory } from "../../system/durable-file.ts";
import { confinedTree, type ConfinedTree } from "./confined-tree.ts";
import { inParallel } from "./parallel.ts";
import {
  claimDirectory,
  openRestoreProgress,
  releaseDirectory,
  type RestoreIdentity,
  type RestoreProgress,
} from "./restore-progress.ts";

/** A backup of whatever format as directories to be written. */
export interface TreeRestore {
  readonly request: RestoreRequest;
  readonly tablespaces: readonly { readonly oid: number; readonly name: string }[];
  /** "base" and oids of tablespaces, in the order in which they are written. */
  readonly archives: readonly string[];
  /** Bytes of all of them. */
  readonly total: number;
  identityOf(archive: string): RestoreIdentity;
  /** Writes one archive's files; they are fsynced when it resolves. */
  write(part: TreePart): Promise<void>;
}

/** What writing one archive needs. */
export interface TreePart {
  readonly archive: string;
  readonly tree: ConfinedTree;
  readonly progress: RestoreProgress;
  /** Where a file goes, relative to the tree; null: it is left out. */
  readonly placeOf: (path: string) => string | null;
  /** What to do with a link; throws when it has no business there. */
  readonly onLink: (path: string) => Promise<void>;
  readonly written: (bytes: number, doing: string) => void;
}

const controlFile = "global/pg_control";
/** Where the control file waits until everything else is durable: without it PostgreSQL does not start. */
const controlFileWaiting = "global/pg_control.pgrescue";

/** Restores as BackupReader.restore promises: confined, durable, the control file last, to be continued. */
export async function restoreTrees(restore: TreeRestore, report: (progress: Progress) => void): Promise<void> {
  try {
    await run(restore, report);
  } catch (error) {
    throw explained(error, restore.request.dataDirectory);
  }
}

async function run(restore: TreeRestore, report: (progress: Progress) => void): Promise<void> {
  const { request } = restore;
  const places = placesOf(restore);
  await claimDirectory(request.dataDirectory, restore.identityOf("base"));
  const base = confinedTree(request.dataDirectory);
  // When it is there, an earlier attempt had made everything durable, and may have released some tablespaces already.
  if (!(await exists(base.resolve(controlFile)))) {
    for (const [archive, directory] of places)
      if (archive !== "base") await claimDirectory(directory, restore.identityOf(archive));
    await writeTrees(restore, places, base, report);
    await request.beforeControl?.();
    await revealControlFile(base);
  }
  for (const [archive, directory] of places) if (archive !== "base") await releaseDirectory(directory);
  await releaseDirectory(request.dataDirectory);
}

async function writeTrees(
  restore: TreeRestore,
  places: Places,
  base: ConfinedTree,
  report: (progress: Progress) => void,
): Promise<void> {
  const { request, total } = restore;
  const progress = await openRestoreProgress(request.dataDirectory);
  const trees: ConfinedTree[] = [];
  let done = 0;
  try {
    for (const [archive, directory] of places)
      if (archive !== "base") await base.link(`pg_tblspc/${archive}`, directory);
    for (const archive of restore.archives) {
      const tree = archive === "base" ? base : confinedTree(places.get(archive) ?? "");
      trees.push(tree);
      await restore.write({
        archive,
        tree,
        progress,
        placeOf: archive === "base" ? placeInBase : (path) => path,
        onLink: (path) => (archive === "base" ? linkInBase(tree, places, path) : refuseLink(path)),
        written: (bytes, doing) => {
          done = Math.min(total, done + bytes);
          report({ done, total, unit: "bytes", doing });
        },
      });
    }
    report({ done: total, total, unit: "bytes", doing: "making everything durable" });
    for (const tree of trees) await inParallel(tree.directories, 4, (path) => syncDirectory(join(tree.root, path)));
  } finally {
    await progress.close();
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (isSystemError(error) && error.code === "ENOENT") return false;
    throw error;
  }
}

type Places = ReadonlyMap<string, string>;

/** Archive -> directory, "base" first. Throws `precondition-refused` for a tablespace without one, or one inside another. */
function placesOf({ tablespaces, archives, request }: TreeRestore): Places {
  const places = new Map([["base", request.dataDirectory]]);
  for (const { oid, name } of tablespaces) {
    const directory = request.tablespaces[String(oid)];
    if (directory === undefined)
      throw new PgrescueError("precondition-refused", `no directory is given for tablespace ${name} (${oid})`);
    places.set(String(oid), directory);
  }
  for (const name of archives) {
    if (!places.has(name))
      throw new PgrescueError("damaged-data", `archive ${name} belongs to no tablespace of the backup`);
  }
  for (const [archive, directory] of places) {
    if (!isAbsolute(directory)) throw new PgrescueError("precondition-refused", `${directory} is not an absolute path`);
    for (const [other, otherDirectory] of places) {
      // A tablespace may lie below the data directory, where recovery puts it by default; nothing else may overlap.
      if (other === archive || (archive !== "base" && other === "base" && directory !== otherDirectory)) continue;
      if (!isOutside(otherDirectory, directory))
        throw new PgrescueError(
          "precondition-refused",
          `${directory} for ${archive} overlaps ${otherDirectory} for ${other}`,
        );
    }
  }
  return places;
}

/** Whether `path` is neither `directory` nor below it. */
function isOutside(directory: string, path: string): boolean {
  const below = relative(directory, path);
  return below !== "" && (below === ".." || below.startsWith("../"));
}

/** A server that finds a tablespace_map links pg_tblspc to where it says, production's directories perhaps: left out. */
function placeInBase(path: string): string | null {
  if (path === "tablespace_map") return null;
  return path === controlFile ? controlFileWaiting : path;
}

/** Links of the backup are never made: tablespaces' are ours already, and a linked pg_wal comes back as a directory. */
async function linkInBase(tree: ConfinedTree, places: Places, path: string): Promise<void> {
  if (path === "pg_wal") return tree.directory(path, 0o700);
  if (!path.startsWith("pg_tblspc/") || !places.has(path.slice("pg_tblspc/".length))) await refuseLink(path);
}

async function refuseLink(path: string): Promise<void> {
  throw new PgrescueError(
    "damaged-data",
    `the backup holds the symbolic link ${JSON.stringify(path)}, which is none of PostgreSQL's`,
    {
      means:
        "A backup that was taken by pgrescue holds no such thing: it was changed by someone. The link was not made.",
    },
  );
}

async function revealControlFile(tree: ConfinedTree): Promise<void> {
  const [waiting, final] = [tree.resolve(controlFileWaiting), tree.resolve(controlFile)];
  try {
    await rename(waiting, final);
  } catch (error) {
    if (isSystemError(error) && error.code === "ENOENT")
      throw new PgrescueError("damaged-data", `the backup holds no ${controlFile}`, { cause: error });
    throw error;
  }
  await syncDirectory(dirname(final));
}

function explained(error: unknown, directory: string): unknown {
  if (!isSystemError(error)) return error;
  const next =
    error.code === "ENOSPC" || error.code === "EDQUOT"
      ? "Free space there, then run `pgrescue continue`: what is written is kept."
      : undefined;
  return new PgrescueError("external-failure", `cannot write below ${directory}: ${messageOf(error)}`, {
    cause: error,
    ...(next === undefined ? {} : { next }),
  });
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && !(error instanceof PgrescueError) && "code" in error && "syscall" in error;
}
