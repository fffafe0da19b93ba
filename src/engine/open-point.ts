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

/** What can be done with a point of whatever kind. */
export async function openPoint(
  repository: Repository,
  point: RecoveryPoint,
): Promise<Pick<BackupReader, "verify"> | Pick<DumpReader, "verify">> {
  return point.kind === "dump" ? openDump(repository, point) : repository.openBackup(point);
}
