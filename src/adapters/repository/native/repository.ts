import { PgrescueError } from "../../../domain/errors.ts";
import { formatInstant } from "../../../domain/instant.ts";
import type { CipherFor } from "../../../ports/cipher.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import type { Copying, Repository } from "../../../ports/repository.ts";
import { openNativeBackup } from "./backup-reader.ts";
import { beginNativeBackup } from "./backup-writer.ts";
import { copyPoint, copyWal, requireAlike } from "./copy.ts";
import { openNativeDump } from "./dump-reader.ts";
import { beginNativeDump } from "./dump-writer.ts";
import { nativeKeeping } from "./keeping.ts";
import { isClusterName, repositoryKey, systemPrefix } from "./keys.ts";
import { nativeLeasing } from "./leasing.ts";
import { clustersIn, dumpsOf, pointsOf, systemsIn } from "./points.ts";
import { probeStore } from "./probe.ts";
import { createRepository, readRepositoryDocument } from "./repository-document.ts";
import { runRecordsIn } from "./run-records.ts";
import { openWalArchive } from "./wal-archive.ts";

export interface NativeRepositoryOptions {
  /** By which the configuration knows it. */
  readonly name: string;
  readonly url: string;
  readonly store: ObjectStore;
  readonly readOnly?: boolean;
  /** Makes the repository where the store is empty; otherwise that is `repository-not-found`. */
  readonly create?: boolean;
  /** Makes the cipher of an encrypted repository; without it only what needs no key can be read of one. */
  readonly cipherFor?: CipherFor;
  /** Recipients that a new repository is made with; none: it is not encrypted. */
  readonly recipients?: readonly string[];
}

/**
 * Opens a repository of our own format (docs/repository-format.md). Throws `repository-not-found` where there is none and
 * none shall be made, `damaged-data`, and `precondition-refused` for a newer format or a place full of other things.
 */
export async function openNativeRepository({
  name,
  url,
  store,
  readOnly = false,
  create = false,
  cipherFor,
  recipients = [],
}: NativeRepositoryOptions): Promise<Repository> {
  const document =
    (await readRepositoryDocument(store)) ?? (create && !readOnly ? await createRepository(store, recipients) : null);
  if (document === null) throw new PgrescueError("repository-not-found", `${store.url} holds no ${repositoryKey}`);

  const cipher = document.recipients.length === 0 ? null : (cipherFor?.(document.recipients) ?? null);
  if (document.recipients.length === 0 && recipients.length > 0)
    throw new PgrescueError(
      "precondition-refused",
      `${url} is not encrypted, and its configuration says that it shall be`,
      {
        means: "Nothing was written: it would have been readable for everybody who can read the storage.",
        next: "Make a new repository for encrypted backups (another prefix), or take `encryption` out of this one's entry.",
      },
    );

  function mayWrite(): void {
    if (cipher === null && document !== null && document.recipients.length > 0)
      throw new PgrescueError("bug", `repository ${name} is encrypted and was opened without a cipher`);
    if (readOnly) throw new PgrescueError("precondition-refused", `repository ${name} is configured read-only`);
  }

  const repository: Repository = {
    name,
    url,
    format: "native",
    readOnly,
    systems: () => systemsIn(store),
    points: async function* points(filter = {}) {
      for await (const system of systemsIn(store)) {
        if (filter.cluster !== undefined && filter.cluster !== system.cluster) continue;
        if (filter.systemIdentifier !== undefined && filter.systemIdentifier !== system.systemIdentifier) continue;
        yield* await pointsOf(store, name, system);
      }
      for await (const cluster of filter.cluster === undefined
        ? clustersIn(store)
        : [filter.cluster].filter(isClusterName)) {
        for await (const dump of dumpsOf(store, name, cluster))
          if (filter.systemIdentifier === undefined || filter.systemIdentifier === dump.systemIdentifier) yield dump;
      }
    },
    wal: (cluster, systemIdentifier) =>
      openWalArchive({ store, prefix: `${systemPrefix(cluster, systemIdentifier)}wal/`, systemIdentifier, cipher }),
    openBackup: (point) => openNativeBackup(store, point, cipher),
    openDump: (point) => openNativeDump(store, point, cipher),
    beginDump: async (header) => {
      mayWrite();
      return beginNativeDump({ store, repository: name, header, cipher });
    },
    beginBackup: async (header) => {
      mayWrite();
      return beginNativeBackup({ store, repository: name, header, cipher });
    },
    recordRun: async (cluster, id, at, run) => {
      mayWrite();
      if (!isClusterName(cluster) || !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(id))
        throw new PgrescueError("usage", `${JSON.stringify(`${cluster}/${id}`)} is no place for a run's record`);
      await store.put(
        `${cluster}/runs/${formatInstant(at).slice(0, 7)}/${id}.json`,
        Buffer.from(`${JSON.stringify(run, null, 2)}\n`),
      );
    },
    runs: (cluster, options) => runRecordsIn(store, cluster, options),
    leasing: nativeLeasing(store),
    ...(readOnly ? {} : { keeping: nativeKeeping(store), copying: copyingInto(store), probe: () => probeStore(store) }),
  };
  stores.set(repository, store);
  return repository;
}

/** What lies behind each opened repository, for copies from one to another. */
const stores = new WeakMap<Repository, ObjectStore>();

function copyingInto(store: ObjectStore): Copying {
  async function sourceOf(from: Repository): Promise<ObjectStore> {
    const source = stores.get(from);
    if (source === undefined)
      throw new PgrescueError(
        "precondition-refused",
        `${from.name} is of format ${from.format}: it cannot be copied into a repository of pgrescue's`,
        {
          next: "Restore it, then take a backup of the restored server.",
        },
      );
    await requireAlike(source, store);
    return source;
  }
  return {
    point: async function* point(from, which, signal) {
      yield* copyPoint(await sourceOf(from), store, which, signal);
    },
    wal: async function* wal(from, place, signal) {
      yield* copyWal(await sourceOf(from), store, place, signal);
    },
  };
}
