import { PgrescueError } from "../../../domain/errors.ts";
import { formatInstant } from "../../../domain/instant.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import type { Repository } from "../../../ports/repository.ts";
import { openNativeBackup } from "./backup-reader.ts";
import { beginNativeBackup } from "./backup-writer.ts";
import { nativeKeeping } from "./keeping.ts";
import { isClusterName, repositoryKey, systemPrefix } from "./keys.ts";
import { pointsOf, systemsIn } from "./points.ts";
import { createRepository, readRepositoryDocument } from "./repository-document.ts";
import { openWalArchive } from "./wal-archive.ts";

export interface NativeRepositoryOptions {
  /** By which the configuration knows it. */
  readonly name: string;
  readonly url: string;
  readonly store: ObjectStore;
  readonly readOnly?: boolean;
  /** Makes the repository where the store is empty; otherwise that is `repository-not-found`. */
  readonly create?: boolean;
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
}: NativeRepositoryOptions): Promise<Repository> {
  const document =
    (await readRepositoryDocument(store)) ?? (create && !readOnly ? await createRepository(store) : null);
  if (document === null) throw new PgrescueError("repository-not-found", `${store.url} holds no ${repositoryKey}`);

  function mayWrite(): void {
    if (readOnly) throw new PgrescueError("precondition-refused", `repository ${name} is configured read-only`);
  }

  return {
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
    },
    wal: (cluster, systemIdentifier) =>
      openWalArchive({ store, prefix: `${systemPrefix(cluster, systemIdentifier)}wal/`, systemIdentifier }),
    openBackup: (point) => openNativeBackup(store, point),
    beginBackup: async (header) => {
      mayWrite();
      return beginNativeBackup({ store, repository: name, header });
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
    ...(readOnly ? {} : { keeping: nativeKeeping(store) }),
  };
}
