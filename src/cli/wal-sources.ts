import { cipherFor, type EncryptionOptions } from "../adapters/crypto/repository-cipher.ts";
import { readRepositoryDocument } from "../adapters/repository/native/repository-document.ts";
import { openWalArchive } from "../adapters/repository/native/wal-archive.ts";
import { openStore } from "../adapters/storage/registry.ts";
import { historyOf, type FetchConfig, type FetchRepository } from "../adapters/wal/fetch-config.ts";
import { inOne, walPlaces, type WalPlace, type WalRequest } from "../adapters/wal/fetch.ts";
import { openSavedWal } from "../adapters/wal/saved-wal.ts";
import type { SegmentRange } from "../domain/coverage.ts";
import { PgrescueError } from "../domain/errors.ts";
import { parseWalFileName, segmentNumberOf } from "../domain/segment.ts";
import { faultOfSegment } from "../domain/wal-header.ts";
import type { Cipher } from "../ports/cipher.ts";
import type { Shell } from "../ports/shell.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { Repository, WalArchive } from "../ports/repository.ts";

/**
 * The WAL of one system in a repository, opened on first use, so that a repository that is away fails where its answer
 * is needed and not before. Knows only what a start per segment can afford to load. `write` insists that
 * a repository is there.
 */
export function lazyArchive(
  repository: FetchRepository,
  cluster: string,
  systemIdentifier: string,
  use: "read" | "write" = "read",
): WalArchive {
  const open = async (): Promise<WalArchive> => {
    const store = await openStore(repository.url, repository.options);
    if (repository.format === "plain" && use === "read")
      return (await openPlain(repository, store, cluster)).wal(cluster, systemIdentifier);
    // An empty place may be a disk that is not mounted: nothing is stored where no repository is.
    const document = use === "write" || repository.format === "auto" ? await readRepositoryDocument(store) : null;
    if (repository.format === "auto" && use === "read" && document === null)
      return (await openPlain(repository, store, cluster)).wal(cluster, systemIdentifier);
    if (use === "write" && document === null) {
      throw new PgrescueError("repository-not-found", `${store.url} holds no repository`, {
        next: "Mount its storage; a new repository is made by `pgrescue init` or by the first `pgrescue backup`.",
      });
    }
    const cipher = cipherOf(repository, document?.recipients ?? null);
    return openWalArchive({ store, prefix: `${cluster}/${systemIdentifier}/wal/`, systemIdentifier, cipher });
  };
  // Not kept when it fails: the next attempt may find the storage back.
  let opened: Promise<WalArchive> | null = null;
  const archive = (): Promise<WalArchive> =>
    (opened ??= open().catch((error: unknown) => {
      opened = null;
      throw error;
    }));
  return {
    inventory: async () => await (await archive()).inventory(),
    fetch: async (name) => await (await archive()).fetch(name),
    fetchParts: async (name) => {
      const opened = await archive();
      return opened.fetchParts === undefined ? inOne(await opened.fetch(name)) : await opened.fetchParts(name);
    },
    store: async (name, content) => await (await archive()).store(name, content),
    has: async (name) => await (await archive()).has(name),
  };
}

async function openPlain(repository: FetchRepository, store: ObjectStore, cluster: string): Promise<Repository> {
  const { openPlainRepository } = await import("../adapters/repository/plain/plain-repository.ts");
  return openPlainRepository({ name: repository.name, url: repository.url, store, cluster });
}

/** null: nothing is encrypted there. `recipients`: the repository's own; null where it was not asked, for reading. */
function cipherOf({ name, options }: FetchRepository, recipients: readonly string[] | null): Cipher | null {
  const encryption = options["encryption"] as EncryptionOptions | undefined;
  if (recipients?.length === 0 && encryption?.recipients !== undefined)
    throw new PgrescueError(
      "precondition-refused",
      `repository ${name} is not encrypted, and its configuration says that it shall be`,
      {
        means: "The file was not stored; PostgreSQL keeps it and tries again.",
        next: "Make a new repository for encrypted backups (another prefix), or take `encryption` out of this one's entry.",
      },
    );
  if (recipients?.length === 0 || (recipients === null && encryption === undefined)) return null;
  return cipherFor(encryption ?? {}, shell)(recipients ?? []);
}

/** Everything a recovery's WAL can come from, after fetch.json. */
export function requestOf(config: FetchConfig): WalRequest {
  const archives = config.repositories.map((repository) => ({
    name: repository.name,
    archive: lazyArchive(repository, config.cluster, config.systemIdentifier),
  }));
  const saved = config.savedWal.map((directory) => openSavedWal(directory, config.systemIdentifier));
  return {
    places: [...walPlaces(archives, saved), ...backupPlaces(config)],
    segmentSize: config.segmentSize === 0 ? null : config.segmentSize,
    target: historyOf(config),
    known: config.known.flatMap((range) => knownRange(range, config.segmentSize)),
  };
}

/** WAL inside the backup itself: read last, and only where no archive has it, since opening a backup costs more. */
function backupPlaces(config: FetchConfig): readonly WalPlace[] {
  const { backup, cluster, systemIdentifier } = config;
  const repository = config.repositories.find(({ name }) => name === backup?.repository);
  if (backup === null || repository === undefined) return [];
  const fetch = async (name: string): Promise<readonly Uint8Array[] | null> => {
    const opened = await openForBackup(repository, cluster);
    for await (const point of opened.points({ cluster, systemIdentifier })) {
      if (point.id !== backup.point) continue;
      const content = await (await opened.openBackup(point)).wal(name);
      const isSegment = parseWalFileName(name)?.kind === "segment";
      const fault = content === null || !isSegment ? null : faultOfSegment(name, content, systemIdentifier);
      if (fault !== null) throw new PgrescueError("damaged-data", `${name} in backup ${point.id} ${fault}`);
      return inOne(content);
    }
    throw new PgrescueError("damaged-data", `backup ${backup.point} is not in ${repository.name} any more`);
  };
  return [{ name: `backup ${backup.point}`, fetch, inventory: null }];
}

async function openForBackup(repository: FetchRepository, cluster: string): Promise<Repository> {
  const store = await openStore(repository.url, repository.options);
  if (repository.format === "plain") return openPlain(repository, store, cluster);
  const { openNativeRepository } = await import("../adapters/repository/native/repository.ts");
  const encryption = (repository.options["encryption"] ?? {}) as EncryptionOptions;
  return openNativeRepository({
    name: repository.name,
    url: repository.url,
    store,
    readOnly: true,
    cipherFor: cipherFor(encryption, shell),
  });
}

async function shell(): Promise<Shell> {
  return (await import("../adapters/system/exec.ts")).createShell();
}

function knownRange(range: { readonly from: string; readonly until: string }, segmentSize: number): SegmentRange[] {
  const timeline = parseWalFileName(range.from)?.timeline;
  const from = segmentNumberOf(range.from, segmentSize);
  const until = segmentNumberOf(range.until, segmentSize);
  return timeline === undefined || from === null || until === null ? [] : [{ timeline, from, until }];
}
