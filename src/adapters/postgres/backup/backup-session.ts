import { PgrescueError } from "../../../domain/errors.ts";
import { parseLsn, type Lsn } from "../../../domain/lsn.ts";
import type { BackupRequest } from "../../../ports/backup-source.ts";
import type { Sql } from "../../../ports/sql.ts";
import type { ServerFacts } from "./server-facts.ts";

/** What the server says at the end of a backup. */
export interface StoppedBackup {
  readonly stopLsn: Lsn;
  /** Content of backup_label; without it the copy is not a backup. */
  readonly label: string;
}

/** Makes a session fit to hold a backup for hours: none of the server's time limits end it. */
export async function prepareSession(sql: Sql, facts: Pick<ServerFacts, "major">): Promise<void> {
  const limits = [
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    ...(facts.major >= 14 ? ["idle_session_timeout"] : []),
    ...(facts.major >= 17 ? ["transaction_timeout"] : []),
  ];
  for (const limit of limits) await sql.query(`set ${limit} = 0`);
}

/**
 * Begins a non-exclusive backup (manual, 26.3.4.1): it lasts as long as the session. Returns where replay will begin.
 * Waits for a checkpoint.
 */
export async function startBackup(sql: Sql, facts: ServerFacts, request: BackupRequest): Promise<Lsn> {
  const fast = request.checkpoint === "fast";
  const [row] = await sql.query<{ at: string }>(
    facts.major >= 15
      ? "select pg_catalog.pg_backup_start($1, $2)::text as at"
      : "select pg_catalog.pg_start_backup($1, $2, false)::text as at",
    [request.label, fast],
  );
  return lsnOf(row?.at);
}

/** Ends the backup and switches the WAL segment; does not wait for its archiving. Fails where the session did not begin one. */
export async function stopBackup(sql: Sql, facts: ServerFacts): Promise<StoppedBackup> {
  const [row] = await sql.query<{ at: string; label: string }>(
    `select lsn::text as at, labelfile as label from ${facts.major >= 15 ? "pg_catalog.pg_backup_stop(false)" : "pg_catalog.pg_stop_backup(false, false)"}`,
  );
  return { stopLsn: lsnOf(row?.at), label: row?.label ?? "" };
}

function lsnOf(text: string | undefined): Lsn {
  const at = parseLsn(text ?? "");
  if (at === null)
    throw new PgrescueError(
      "external-failure",
      `the server answered ${JSON.stringify(text)} where a wal position was expected`,
    );
  return at;
}

/**
 * Asks the session every few seconds whether it still lives: when it dies the backup is void, and hours of copying would be
 * for nothing. `onDeath` is called once. Returns what ends the watch.
 */
export function watchSession(sql: Sql, onDeath: (error: PgrescueError) => void): () => Promise<void> {
  let ended = false;
  let asking: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    asking = sql.query("select 1").catch((error: unknown) => {
      if (ended) return;
      ended = true;
      clearInterval(timer);
      onDeath(
        new PgrescueError("external-failure", "the session that holds the backup has died, so the backup is void", {
          cause: error,
          next: "Look into the server's log for why, then take the backup again.",
        }),
      );
    });
  }, 3000);
  return async () => {
    ended = true;
    clearInterval(timer);
    await asking;
  };
}
