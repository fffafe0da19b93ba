import { PgrescueError } from "../../domain/errors.ts";
import { parseInstant, type Instant } from "../../domain/instant.ts";
import { parseLsn, type Lsn } from "../../domain/lsn.ts";
import { sqlStateOf } from "../../domain/sql-state.ts";
import type { RecoveryMessage } from "../../ports/postgres.ts";
import type { ConnectionTarget, Sql, SqlConnector } from "../../ports/sql.ts";

/** What a recovering server says of itself. */
export interface RecoveryAnswer {
  readonly inRecovery: boolean;
  readonly paused: boolean;
  readonly replayLsn: Lsn | null;
  readonly lastCommitAt: Instant | null;
}

/** Asks a starting server again and again over one session; that it does not answer yet is no error. */
export class RecoveryWatch {
  /** Why sessions are refused for good (authentication): then only the log is left. */
  refused: RecoveryMessage | null = null;
  readonly #connector: SqlConnector;
  readonly #target: ConnectionTarget;
  #sql: Sql | null = null;
  #pausedExpression = "";

  constructor(connector: SqlConnector, target: ConnectionTarget) {
    this.#connector = connector;
    this.#target = { ...target, connectTimeoutSeconds: 5, applicationName: "pgrescue recovery" };
  }

  /** null when it cannot be asked now. */
  async ask(): Promise<RecoveryAnswer | null> {
    if (this.refused !== null) return null;
    try {
      this.#sql ??= await this.#open();
      const [row] = await this.#sql.query<{
        recovering: boolean;
        paused: boolean;
        lsn: string | null;
        at: string | null;
      }>(
        `select pg_is_in_recovery() as recovering, case when pg_is_in_recovery() then ${this.#pausedExpression} else false end as paused,
           pg_last_wal_replay_lsn()::text as lsn, to_char(pg_last_xact_replay_timestamp() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US"Z"') as at`,
      );
      if (row === undefined) return null;
      return {
        inRecovery: row.recovering,
        paused: row.paused,
        replayLsn: row.lsn === null ? null : parseLsn(row.lsn),
        lastCommitAt: row.at === null ? null : parseInstant(row.at),
      };
    } catch (error) {
      await this.close();
      const state = sqlStateOf(error);
      // Not yet, or just going: the log and the process table say which.
      if (error instanceof PgrescueError && state !== null && /^(28|3D|42)/.test(state)) {
        this.refused = {
          kind: "trouble",
          text: `the server cannot be asked, so only its log is followed: ${error.message}`,
          line: error.message,
          mend: error.next,
        };
      }
      return null;
    }
  }

  async close(): Promise<void> {
    const sql = this.#sql;
    this.#sql = null;
    await sql?.close().catch(() => undefined);
  }

  async #open(): Promise<Sql> {
    const sql = await this.#connector.connect(this.#target);
    const [row] = await sql.query<{ version: number }>("select current_setting('server_version_num')::int as version");
    this.#pausedExpression =
      (row?.version ?? 0) >= 140_000 ? "pg_get_wal_replay_pause_state() = 'paused'" : "pg_is_wal_replay_paused()";
    return sql;
  }
}
