import { PgrescueError } from "../domain/errors.ts";
import type { RecoveryPoint } from "../domain/recovery-point.ts";
import type { BackupReader, Repository } from "../ports/repository.ts";
import type { DumpReader } from "../ports/dump.ts";

/** Opens a dump. Throws `precondition-refused` where the repository's format has none that can be read. */
export async function openDump(repository: Repository, point: RecoveryPoint): Promise<DumpReader> {
  if (repository.openDump === undefined)
    throw new PgrescueError(
      "precondition-refused",
      `dumps in ${repository.name} (${repository.format}) are only listed`,
    );
  return repository.openDump(point);
}

/** What can be written as files: a dump with all that it has; of a base backup what travels with it. */
export async function openFiles(repository: Repository, point: RecoveryPoint): Promise<DumpReader> {
  if (point.kind === "dump") return openDump(repository, point);
  const backup = await repository.openBackup(point);
  const { includes } = backup;
  if (includes.length === 0)
    throw new PgrescueError(
      "precondition-refused",
      `nothing travels with ${point.id}: it holds a server's files only`,
      {
        next: "Restore it with --immediate or a target; name files in the cluster's `include` for later backups.",
      },
    );
  return {
    point,
    clientVersion: null,
    databases: [],
    failed: [],
    includes,
    include: (name) => backup.include(name),
    archive: () => {
      throw new PgrescueError("bug", `${point.id} is no dump`);
    },
    globals: () => Promise.resolve(null),
    catalog: () => Promise.resolve(null),
    verify: (signal) => backup.verify(signal),
  };
}

/** What can be done with a point of whatever kind. */
export async function openPoint(
  repository: Repository,
  point: RecoveryPoint,
): Promise<Pick<BackupReader, "verify"> | Pick<DumpReader, "verify">> {
  return point.kind === "dump" ? openDump(repository, point) : repository.openBackup(point);
}
