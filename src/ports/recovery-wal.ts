/** What recovery's restore_command is made from. */
export interface RecoveryWalRequest {
  readonly cluster: string;
  readonly systemIdentifier: string;
  /** Repositories by configured name or URL, the one that is read first first. */
  readonly repositories: readonly string[];
  /** The backup whose own WAL may be read too, where it holds some. */
  readonly point: string;
  readonly dataDirectory: string;
  readonly postgresVersion: number;
  readonly segmentSize: number;
  readonly timeline: number;
  /** Directory with WAL that never reached an archive, read too; null for none. */
  readonly savedWal: string | null;
}

export interface PreparedWal {
  /** The value of restore_command, not yet quoted for postgresql.conf. */
  readonly restoreCommand: string;
  /** Where prefetched segments lie, on pg_wal's file system. */
  readonly spool: string;
}

/** Gets WAL to a recovering server. The adapter writes fetch.json (0600) and generates the `sh` line. */
export interface RecoveryWal {
  /** Writes what the restore_command reads and gives the line; the same request again gives the same line. */
  prepare(request: RecoveryWalRequest): Promise<PreparedWal>;
  /** Ends the prefetcher and removes the spool; nothing to do is fine. */
  finish(dataDirectory: string): Promise<void>;
}
