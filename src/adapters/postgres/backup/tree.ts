import type { Dirent } from "node:fs";
import { opendir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { FileAttributes } from "../../../ports/repository.ts";
import { isDatabaseDirectory, isEmptied, isLeftOut, keptInsidePgWal } from "./exclusions.ts";
import { readError } from "./read-error.ts";
import { isTemporaryRelation, parseRelationFile, type RelationFile } from "./relation-file.ts";

/** Something to be backed up. `path` as the archive names it; `manifestPath` as the manifest does (relative to the data directory). */
export type Entry =
  | { readonly type: "directory"; readonly path: string; readonly attributes: FileAttributes }
  | {
      readonly type: "file";
      readonly path: string;
      readonly manifestPath: string;
      readonly source: string;
      readonly relation: RelationFile | null;
    }
  | { readonly type: "skipped"; readonly path: string; readonly reason: string };

export interface TreeOptions {
  /** The directory on disk. */
  readonly root: string;
  /** What the manifest puts before the paths: "" for the data directory, `pg_tblspc/<oid>/` for a tablespace. */
  readonly manifestPrefix: string;
  /** Where to begin, relative to root: "" for all of it. */
  readonly from: string;
  /** Manifest paths that someone else backs up (global/pg_control goes last). */
  readonly without: ReadonlySet<string>;
}

/**
 * Everything that belongs into a base backup below a directory, directories before what is in them, in no other order.
 * Memory is bounded by depth and unlogged relations, not by the number of files. What vanishes meanwhile is left out.
 */
export async function* walkTree(options: TreeOptions): AsyncGenerator<Entry> {
  yield* walk(options, options.from);
}

async function* walk(options: TreeOptions, path: string): AsyncGenerator<Entry> {
  const place = join(options.root, path);
  const attributes = await attributesOf(place);
  if (attributes === null) return;
  const manifestPath = options.manifestPrefix + path;
  if (path !== "") yield { type: "directory", path, attributes };
  if (isEmptied(manifestPath)) {
    if (manifestPath === "pg_wal") yield* walDirectories(place, attributes);
    return;
  }
  const inDatabase = isDatabaseDirectory(manifestPath);
  const unlogged = inDatabase ? await unloggedRelations(place) : null;
  for await (const item of entriesOf(place)) {
    if (isLeftOut(item.name)) continue;
    const itemPath = path === "" ? item.name : `${path}/${item.name}`;
    if (options.without.has(options.manifestPrefix + itemPath)) continue;
    // A name that is not UTF-8 cannot be opened again by what Node makes of it.
    if (item.name.includes("\uFFFD")) yield { type: "skipped", path: itemPath, reason: "its name is not UTF-8" };
    else if (item.isDirectory()) yield* walk(options, itemPath);
    else if (item.isSymbolicLink()) yield* link(options, itemPath);
    else if (!item.isFile()) yield { type: "skipped", path: itemPath, reason: "it is neither a file nor a directory" };
    else {
      if (inDatabase && isTemporaryRelation(item.name)) continue;
      const relation = inDatabase || manifestPath === "global" ? parseRelationFile(item.name) : null;
      if (relation !== null && relation.fork !== "init" && unlogged?.has(relation.relfilenode) === true) continue;
      yield {
        type: "file",
        path: itemPath,
        manifestPath: options.manifestPrefix + itemPath,
        source: join(place, item.name),
        relation,
      };
    }
  }
}

/** pg_wal may be a link (initdb --waldir): it comes back as a directory. Links in pg_tblspc are the caller's business. */
async function* link(options: TreeOptions, path: string): AsyncGenerator<Entry> {
  const manifestPath = options.manifestPrefix + path;
  if (manifestPath === "pg_wal") yield* walk(options, path);
  else if (!/^pg_tblspc\/\d+$/.test(manifestPath)) yield { type: "skipped", path, reason: "it is a symbolic link" };
}

async function* walDirectories(place: string, attributes: FileAttributes): AsyncGenerator<Entry> {
  for (const name of keptInsidePgWal) {
    const own = await attributesOf(join(place, name));
    if (own !== null || name === "archive_status")
      yield { type: "directory", path: `pg_wal/${name}`, attributes: own ?? attributes };
  }
}

/** relfilenodes with an init fork: their other forks are rebuilt empty at the end of recovery. */
async function unloggedRelations(place: string): Promise<ReadonlySet<number>> {
  const found = new Set<number>();
  for await (const item of entriesOf(place)) {
    const relation = item.name.includes("_init") ? parseRelationFile(item.name) : null;
    if (relation !== null) found.add(relation.relfilenode);
  }
  return found;
}

async function* entriesOf(place: string): AsyncGenerator<Dirent> {
  try {
    for await (const item of await opendir(place, { bufferSize: 256 })) yield item;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw readError(error, place);
  }
}

/** Mode and time of a directory (a link is followed for pg_wal); null when it has vanished. */
async function attributesOf(place: string): Promise<FileAttributes | null> {
  try {
    const info = await stat(place);
    return info.isDirectory() ? { mode: info.mode & 0o7777, mtime: Math.floor(info.mtimeMs / 1000) } : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw readError(error, place);
  }
}
