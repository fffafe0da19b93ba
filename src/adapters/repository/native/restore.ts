import type { ObjectStore } from "../../../ports/object-store.ts";
import type { Progress } from "../../../ports/progress.ts";
import type { RestoreRequest } from "../../../ports/repository.ts";
import type { BackupDocument } from "./backup-document.ts";
import { restoreArchive } from "./restore-archive.ts";
import { restoreTrees } from "./restore-trees.ts";
import type { ContentStore } from "./sealed-store.ts";
import { verifyObject } from "./stored-objects.ts";

export interface Restore {
  readonly store: ObjectStore;
  /** The same by logical names, decrypted where it is encrypted. */
  readonly contents: ContentStore;
  /** What stored names end in besides. */
  readonly suffix: string;
  readonly folder: string;
  readonly document: BackupDocument;
  /** Of the stored backup.json. */
  readonly sha256: string;
  readonly request: RestoreRequest;
}

/** Restores a backup as BackupReader.restore promises. */
export async function restoreBackup(
  restore: Restore,
  report: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<void> {
  const { store, contents, suffix, folder, document, sha256, request } = restore;
  const { id, cluster, systemIdentifier, tablespaces, archives } = document;
  for (const object of document.objects) {
    if (object.name.endsWith(`.index.zst${suffix}`)) await verifyObject(store, folder, object);
  }
  await restoreTrees(
    {
      request,
      tablespaces,
      archives: archives.map(({ name }) => name),
      total: archives.reduce((sum, archive) => sum + archive.bytes, 0),
      identityOf: (archive) => ({
        format: "pgrescue.restore/v1",
        point: id,
        cluster,
        systemIdentifier,
        sha256,
        archive,
      }),
      write: (part) => restoreArchive({ ...part, store: contents, folder, signal }),
    },
    report,
  );
}
