import { createHash } from "node:crypto";
import { PgrescueError } from "../../../domain/errors.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { WalArchive } from "../../../ports/repository.ts";
import { archiverTrouble } from "./wal-wait.ts";
import { readWal } from "./wal-include.ts";
import type { Taking } from "./taking.ts";

const mostTries = 3;

/**
 * Proves that the archive's copy of a segment is the one that this server wrote. That a segment of the name is there says
 * nothing where a clone or an old primary archives into the same place: its WAL would make this backup another database.
 * What the server has removed meanwhile it had archived itself; a standby's own copy may lag behind its primary's. Throws
 * `external-failure`.
 */
export async function proveOwnWal(
  taking: Taking,
  archive: WalArchive,
  name: string,
  dataDirectory: string | null,
  clock: Clock,
): Promise<void> {
  if (taking.facts.inRecovery) return;
  for (let tries = 1; ; tries++) {
    const own = await ownDigest(taking, name, dataDirectory);
    if (own === null && (await archiverTrouble(taking.sql))?.includes(name) !== true) return;
    const stored = await archive.fetch(name);
    if (own !== null && stored !== null && digest(stored) === own) return;
    if (tries === mostTries) break;
    // The server may recycle the file while it is read, and an archive that others write may show a file before its end.
    await clock.sleep(1000, taking.signal);
  }
  throw new PgrescueError("external-failure", `the archive holds another server's wal under the name ${name}`, {
    means:
      "Two servers of one system (a clone, an old primary) archive into one place; with that WAL the copied files would become damaged, so this backup is not offered.",
    next: "Give the clone an archive of its own or switch its archiving off, then look at pg_stat_archiver here.",
  });
}

/** SHA-256 of the server's own file; null where it is gone or may not be read. */
async function ownDigest({ sql }: Taking, name: string, dataDirectory: string | null): Promise<string | null> {
  if (dataDirectory !== null) return readWal(sql, name, dataDirectory).then(digest, () => null);
  const rows = await sql
    .query<{ digest: string }>(
      "select encode(pg_catalog.sha256(pg_catalog.pg_read_binary_file('pg_wal/' || $1)), 'hex') as digest",
      [name],
    )
    .catch(() => []);
  return rows[0]?.digest ?? null;
}

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
