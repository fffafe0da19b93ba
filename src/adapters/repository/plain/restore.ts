import { open } from "node:fs/promises";
import { PgrescueError } from "../../../domain/errors.ts";
import type { RecoveryPoint } from "../../../domain/recovery-point.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import type { Progress } from "../../../ports/progress.ts";
import type { RestoreRequest } from "../../../ports/repository.ts";
import { readerOf, tarMembers, type ReadBytes } from "../../system/tar-stream.ts";
import { inParallel } from "../native/parallel.ts";
import { restoreTrees, type TreePart } from "../native/restore-trees.ts";
import { streamContent } from "./content.ts";
import { brokenTar } from "./facts.ts";
import { fingerprintOf } from "./points.ts";
import type { PlainBackup } from "./scan.ts";

const bufferSize = 1024 * 1024;
/** Files that are fsynced together. */
const syncEvery = 500;

/** Restores a backup of pg_basebackup's. What was cut off is written again from its beginning, archive by archive. */
export async function restorePlain(
  restore: {
    readonly store: ObjectStore;
    readonly backup: PlainBackup;
    readonly point: RecoveryPoint;
    readonly request: RestoreRequest;
  },
  report: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<void> {
  const { store, backup, point, request } = restore;
  await restoreTrees(
    {
      request,
      tablespaces: point.tablespaces,
      // The base archive last: its end is the control file.
      archives: [...backup.tablespaces.map(({ oid }) => String(oid)), "base"],
      total: backup.storedBytes,
      identityOf: (archive) => ({
        format: "pgrescue.restore/v1",
        point: point.id,
        cluster: point.cluster,
        systemIdentifier: point.systemIdentifier,
        sha256: fingerprintOf(backup),
        archive,
      }),
      write: (part) => {
        if (part.archive === "base" && backup.base === null) return writeFiles(store, backup.folder, part, signal);
        const key =
          part.archive === "base"
            ? backup.base
            : backup.tablespaces.find(({ oid }) => String(oid) === part.archive)?.key;
        if (key === null || key === undefined)
          throw new PgrescueError(
            "damaged-data",
            `the files of tablespace ${part.archive} are not in ${backup.folder}`,
          );
        return writeTar(store, key, part, signal);
      },
    },
    report,
  );
}

/** What is in a backup and not restored: WAL comes from the archive, or is asked for by name. */
function isLeftOut(path: string): boolean {
  return path.startsWith("pg_wal/") || path === "backup_manifest";
}

async function writeTar(store: ObjectStore, key: string, part: TreePart, signal: AbortSignal): Promise<void> {
  const { tree, placeOf, onLink, written } = part;
  const touched: string[] = [];
  const seen = (bytes: number): void => written(bytes, `restoring ${key}`);
  for await (const member of tarMembers(readerOf(streamContent(store, key, seen)), brokenTar(key))) {
    signal.throwIfAborted();
    const { path, type, attributes } = member;
    if (isLeftOut(path)) continue;
    if (type === "directory") await tree.directory(path, attributes.mode);
    else if (type === "link") await onLink(path);
    else {
      const place = placeOf(path);
      if (place === null) continue;
      await writeFile(part, place, attributes.mode, member.size, member.read);
      touched.push(tree.resolve(place));
      if (touched.length >= syncEvery) await syncAll(touched.splice(0));
    }
  }
  await syncAll(touched);
}

async function writeFiles(store: ObjectStore, folder: string, part: TreePart, signal: AbortSignal): Promise<void> {
  const { tree, placeOf, written } = part;
  const touched: string[] = [];
  for await (const { key, size } of store.list(folder)) {
    signal.throwIfAborted();
    const path = key.slice(folder.length);
    const place = isLeftOut(path) ? null : placeOf(path);
    if (place === null) continue;
    await writeFile(part, place, 0o600, size, readerOf(store.read(key)));
    written(size, `restoring ${path}`);
    touched.push(tree.resolve(place));
    if (touched.length >= syncEvery) await syncAll(touched.splice(0));
  }
  await syncAll(touched);
  // Object stores keep no empty directories; a server does not start without these.
  for (const path of emptyDirectories) await tree.directory(path, 0o700);
}

/** Directories of a cluster that may be empty (initdb.c, subdirs). */
const emptyDirectories = [
  "pg_wal",
  "pg_wal/archive_status",
  "pg_commit_ts",
  "pg_dynshmem",
  "pg_notify",
  "pg_serial",
  "pg_snapshots",
  "pg_subtrans",
  "pg_twophase",
  "pg_multixact/members",
  "pg_multixact/offsets",
  "pg_replslot",
  "pg_tblspc",
  "pg_stat",
  "pg_stat_tmp",
  "pg_xact",
  "pg_logical",
  "pg_logical/snapshots",
  "pg_logical/mappings",
];

async function writeFile(
  { tree }: TreePart,
  place: string,
  mode: number,
  size: number,
  read: ReadBytes,
): Promise<void> {
  await using handle = await tree.open(place, mode);
  // An earlier attempt, or a longer file of the same name.
  await handle.truncate(0);
  const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(bufferSize, size)));
  for (let at = 0; at < size;) {
    const count = await read(buffer);
    if (count === 0) throw new PgrescueError("damaged-data", `${place} ends after ${at} of ${size} bytes`);
    let done = 0;
    while (done < count) done += (await handle.write(buffer, done, count - done, at + done)).bytesWritten;
    at += count;
  }
}

async function syncAll(paths: readonly string[]): Promise<void> {
  await inParallel(paths, 4, async (path) => {
    await using handle = await open(path, "r");
    await handle.sync();
  });
}
