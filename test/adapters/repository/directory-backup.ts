import { open, readdir, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { beginNativeBackup } from "../../../src/adapters/repository/native/backup-writer.ts";
import { instantFromMilliseconds } from "../../../src/domain/instant.ts";
import { lsn } from "../../../src/domain/lsn.ts";
import type { RecoveryPoint, Tablespace } from "../../../src/domain/recovery-point.ts";
import type { ObjectStore } from "../../../src/ports/object-store.ts";
import type { ArchiveWriter, BackupHeader, BackupWriter } from "../../../src/ports/repository.ts";

export const header: BackupHeader = {
  cluster: "shop",
  systemIdentifier: "7300000000000000001",
  postgresVersion: 150004,
  segmentSize: 16 * 1024 * 1024,
  startedAt: instantFromMilliseconds(Date.UTC(2026, 10, 20, 1, 4, 11)),
  run: "run-1",
};

export interface DirectoryBackup {
  readonly store: ObjectStore;
  readonly directory: string;
  /** Tablespace oid -> directory. */
  readonly tablespaces?: { readonly [oid: string]: string };
  readonly frameSize?: number;
  readonly header?: Partial<BackupHeader>;
}

/** Begins a backup and writes whole directories into its archives; the caller commits. */
export async function writeDirectories(options: DirectoryBackup): Promise<BackupWriter> {
  const { store, directory, tablespaces = {}, frameSize } = options;
  const writer = await beginNativeBackup({
    store,
    repository: "test",
    header: { ...header, ...options.header },
    ...(frameSize === undefined ? {} : { frameSize }),
  });
  for (const [name, root] of [...Object.entries(tablespaces), ["base", directory] as const]) {
    const archive = await writer.archive(name);
    await writeTree(archive, root, "");
    await archive.finish();
  }
  return writer;
}

/** A committed backup of directories as they are. */
export async function backupDirectory(options: DirectoryBackup): Promise<RecoveryPoint> {
  const writer = await writeDirectories(options);
  const tablespaces = Object.entries(options.tablespaces ?? {}).map(([oid, location]): Tablespace => ({
    oid: Number(oid),
    name: `space_${oid}`,
    location,
    bytes: 0,
  }));
  return writer.commit({ ...end, tablespaces });
}

/** How the backups of these tests end. */
export const end = {
  finishedAt: instantFromMilliseconds(Date.UTC(2026, 10, 20, 1, 5, 0)),
  timeline: 1,
  startLsn: lsn(0x2000028n),
  stopLsn: lsn(0x2000100n),
  tablespaces: [] as readonly Tablespace[],
  bytes: 1000,
  label: "test",
};

async function writeTree(archive: ArchiveWriter, root: string, path: string): Promise<void> {
  const entries = await readdir(join(root, path), { withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const below = path === "" ? entry.name : `${path}/${entry.name}`;
    if (entry.isSymbolicLink()) {
      await archive.link(below, await readlink(join(root, below)), { mode: 0o777, mtime: 0 });
      continue;
    }
    const info = await stat(join(root, below));
    const attributes = { mode: info.mode & 0o7777, mtime: Math.floor(info.mtimeMs / 1000) };
    if (entry.isDirectory()) {
      await archive.directory(below, attributes);
      await writeTree(archive, root, below);
    } else {
      await using handle = await open(join(root, below), "r");
      await archive.file(
        below,
        info.size,
        attributes,
        async (into) => (await handle.read(into, 0, into.length)).bytesRead,
      );
    }
  }
}
