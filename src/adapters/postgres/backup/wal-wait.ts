import { PgrescueError } from "../../../domain/errors.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { WalArchive } from "../../../ports/repository.ts";
import type { Sql } from "../../../ports/sql.ts";
import type { Taking } from "./taking.ts";

/** How often the repository is asked for a missing segment, and the server for how its archiver gets on; milliseconds. */
const pollEvery = 400;
const askEvery = 5000;

/**
 * Waits until the server's archiving has brought all the named files to the repository. Throws `external-failure` at the
 * time limit, with what the archiver last failed on.
 */
export async function waitForWal(
  taking: Taking,
  archive: WalArchive,
  names: readonly string[],
  clock: Clock,
): Promise<void> {
  const { report, request, facts, signal } = taking;
  const began = clock.monotonic();
  let asked = began;
  let trouble: string | null = null;
  for (let done = 0; done < names.length;) {
    const name = names[done] ?? "";
    report.progress({
      done,
      total: names.length,
      unit: "segments",
      doing: `waiting for ${name} in the archive${trouble === null ? "" : `; ${trouble}`}`,
    });
    if (await archive.has(name)) {
      done += 1;
      continue;
    }
    const waited = clock.monotonic() - began;
    if (waited > request.walTimeoutSeconds * 1000)
      throw notArchived(name, request.walTimeoutSeconds, await archiverTrouble(taking.sql), facts.inRecovery);
    if (clock.monotonic() - asked > askEvery) {
      asked = clock.monotonic();
      trouble = await archiverTrouble(taking.sql);
    }
    await clock.sleep(pollEvery, signal);
  }
}

function notArchived(name: string, seconds: number, trouble: string | null, standby: boolean): PgrescueError {
  return new PgrescueError(
    "external-failure",
    `wal segment ${name} did not reach the repository within ${seconds} s${trouble === null ? "" : `: ${trouble}`}`,
    {
      means: "The files were copied, but without that WAL they cannot be made consistent; this backup is not offered.",
      next: standby
        ? "Let the primary archive: run SELECT pg_switch_wal() there and look at its pg_stat_archiver."
        : "Look at pg_stat_archiver and the server's log; archive_command must store into this repository (`pgrescue wal-push %p`).",
    },
  );
}

/** The archiver's last failure where it is newer than its last success, in words. */
export async function archiverTrouble(sql: Sql): Promise<string | null> {
  const [row] = await sql.query<{ wal: string; at: string; failed: string }>(
    `select last_failed_wal as wal, to_char(last_failed_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as at, failed_count::text as failed
     from pg_catalog.pg_stat_archiver where last_failed_time > coalesce(last_archived_time, '-infinity')`,
  );
  return row === undefined ? null : `archive_command failed on ${row.wal} at ${row.at} (${row.failed} failures so far)`;
}
