import type { Lsn } from "../../../domain/lsn.ts";
import type { Tablespace } from "../../../domain/recovery-point.ts";
import type { TimelineId } from "../../../domain/segment.ts";
import type { Verdict } from "../../../domain/verdict.ts";
import type { BackupRequest } from "../../../ports/backup-source.ts";
import type { Progress } from "../../../ports/progress.ts";
import type { BackupWriter } from "../../../ports/repository.ts";
import type { Sql } from "../../../ports/sql.ts";
import type { ServerFacts } from "./server-facts.ts";

/** Where the parts of a backup say how they get on. Never blocks, never fails. */
export interface Report {
  progress(progress: Progress): void;
  verdict(verdict: Verdict): void;
  log(level: "info" | "warn", text: string): void;
}

/** What every source works with. `sql` is the session that holds the backup's lock. */
export interface Taking {
  readonly request: BackupRequest;
  readonly sql: Sql;
  readonly facts: ServerFacts;
  readonly writer: BackupWriter;
  readonly report: Report;
  readonly signal: AbortSignal;
  /** Whether the WAL of the backup goes into it. */
  readonly includeWal: boolean;
}

/** What a source took: all archives are finished and the manifest is stored. */
export interface Taken {
  readonly timeline: TimelineId;
  readonly startLsn: Lsn;
  readonly stopLsn: Lsn;
  /** Bytes of the database files. */
  readonly bytes: number;
  readonly tablespaces: readonly Tablespace[];
  readonly warnings: readonly string[];
  /** Names of segments that the source itself has stored inside the backup already. */
  readonly walStored: ReadonlySet<string>;
}
