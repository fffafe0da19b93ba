import type { Instant } from "../domain/instant.ts";
import type { Lsn } from "../domain/lsn.ts";
import type { TimelineId } from "../domain/segment.ts";
import type { ConnectionTarget, Sql } from "./sql.ts";
import type { OsUser } from "./shell.ts";

/** An installed PostgreSQL of one major version. */
export interface Installation {
  readonly major: number;
  /** server_version_num of the `postgres` binary, e.g. 150004. */
  readonly version: number;
  /** Directory with postgres, pg_ctl, pg_controldata ... */
  readonly bin: string;
}

/** What global/pg_control says (pg_controldata). */
export interface ControlData {
  readonly systemIdentifier: string;
  readonly major: number;
  readonly state: string;
  readonly timeline: TimelineId;
  readonly checkpointLsn: Lsn;
  readonly redoLsn: Lsn;
  readonly minRecoveryEnd: Lsn;
  readonly checkpointTime: Instant | null;
  readonly segmentSize: number;
  readonly blockSize: number;
  readonly checksums: boolean;
  /** max_connections, max_worker_processes, max_wal_senders, max_prepared_xacts, max_locks_per_xact by their GUC names. */
  readonly floors: { readonly [name: string]: number };
}

export type DataDirectoryKind = "missing" | "empty" | "unfinished-restore" | "cluster" | "other-files";

/** The state of a data directory, found without changing it. */
export interface DataDirectory {
  readonly path: string;
  readonly kind: DataDirectoryKind;
  readonly owner: OsUser | null;
  readonly mode: number | null;
  readonly major: number | null;
  readonly control: ControlData | null;
  /** The postmaster that runs on it, by postmaster.pid checked against the process table. */
  readonly postmaster: { readonly pid: number; readonly port: number; readonly socketDirectory: string } | null;
  /** postmaster.pid is there, no such process lives, and nothing else of a server works in the directory. */
  readonly stalePidFile: boolean;
  readonly hasBackupLabel: boolean;
  readonly signalFile: "recovery.signal" | "standby.signal" | null;
  readonly hasRecoveryConf: boolean;
  /** Where pg_wal is when it is a link; null when it is a directory. */
  readonly walLink: string | null;
  /** oid -> where pg_tblspc/<oid> points. */
  readonly tablespaceLinks: { readonly [oid: string]: string };
}

/** Who starts and stops a server, and how. Commands are shown before they run. */
export interface ServerControl {
  readonly kind: "pg_ctl" | "systemd" | "pg_ctlcluster" | "command";
  readonly start: readonly string[];
  readonly stop: readonly string[];
  readonly status: readonly string[];
}

/** How the configuration wants a server to be started and stopped; `auto` looks for itself. */
export type ControlRequest =
  | { readonly kind: "auto" | "pg_ctl" | "pg_ctlcluster" | "patroni" }
  | { readonly kind: "systemd"; readonly unit?: string }
  | {
      readonly kind: "command";
      readonly start: readonly string[];
      readonly stop: readonly string[];
      readonly status: readonly string[];
    };

/** Who manages a server, or why it must not be touched now. A refusal's texts are as in PgrescueError. */
export type ControlFinding =
  | { readonly kind: "control"; readonly control: ServerControl; readonly because: string }
  | { readonly kind: "refused"; readonly message: string; readonly next: string };

/** How a server of our own (scratch, fenced) is started, by pg_ctl. */
export interface StartOptions {
  readonly dataDirectory: string;
  readonly installation: Installation;
  /** `-c name=value` for the postmaster; `config_file` and friends go here where they are outside the data directory. */
  readonly settings: { readonly [name: string]: string };
  /** Appended to; the server's stderr from the first moment on. Its directory must exist. */
  readonly logFile: string;
}

export interface StopOptions {
  readonly dataDirectory: string;
  readonly installation: Installation;
  /** `fast` ends sessions and writes a checkpoint; `immediate` is a crash that WAL mends. */
  readonly mode: "smart" | "fast" | "immediate";
}

/** Settings by their names, values as they would stand in pg_settings (not quoted). */
export type Settings = { readonly [name: string]: string };

/** Where a cluster's configuration is. Paths are absolute; a file that is named need not exist. */
export interface ConfigurationFiles {
  readonly configFile: string;
  readonly hbaFile: string;
  readonly identFile: string;
  /** False where postgresql.conf lies outside the data directory (Debian): it is not in a base backup. */
  readonly inDataDirectory: boolean;
  /** `-c` settings that a plain pg_ctl needs to start with this configuration; empty inside the data directory. */
  readonly startSettings: Settings;
  /** How they were found, for people. */
  readonly because: string;
}

/** One value of a configuration file and where it stands. */
export interface ConfiguredSetting {
  readonly value: string;
  readonly file: string;
  readonly line: number;
}

/** What postgresql.conf and everything it includes say, the last word winning, as the server reads it. */
export interface ConfigurationContent {
  readonly settings: { readonly [name: string]: ConfiguredSetting };
  /** Every file that was read, in order. */
  readonly files: readonly string[];
  /** What could not be read or understood, as `file:line: what`. */
  readonly problems: readonly string[];
}

/** What a server that must not be noticed by the world needs. */
export interface MuzzleOptions {
  readonly major: number;
  readonly dataDirectory: string;
  readonly port: number;
  readonly socketDirectory: string;
  /** Shown in ps and in logs: `pgrescue-<name>`. */
  readonly name: string;
  /** The old configuration's shared_preload_libraries: schedulers and writers are filtered out, the rest kept. */
  readonly sharedPreloadLibraries?: string;
  readonly sharedBuffers?: string;
  /** Minimum values that replay needs, from pg_control or later WAL; the muzzle's small defaults are raised to them. */
  readonly floors?: { readonly [name: string]: number };
  /** hba_file and ident_file, where they are not the data directory's own. */
  readonly hbaFile?: string;
  readonly identFile?: string;
}

export interface FollowOptions {
  readonly dataDirectory: string;
  /** The server's stderr; read from the last start in it on. Lines must be in English (lc_messages = C: the muzzle sets it). */
  readonly logFile: string;
  /** The log's size before the start, where older starts may stand in it; 0 where absent. */
  readonly logOffset?: number;
  /** Where to ask once connections are accepted. */
  readonly connection: ConnectionTarget;
  readonly signal: AbortSignal;
  /** Milliseconds between looks; 250 where absent. */
  readonly interval?: number;
}

/** A known line of the server's log with a plain meaning. */
export interface RecoveryMessage {
  readonly kind:
    | "started"
    | "interrupted-before"
    | "backup-recovery"
    | "redo"
    | "restored"
    | "consistent"
    | "accepting-reads"
    | "new-target-timeline"
    | "stopping"
    | "redo-done"
    | "last-transaction"
    | "pausing"
    | "new-timeline"
    | "complete"
    | "ready"
    | "insufficient-settings"
    | "trouble"
    | "fatal"
    | "shut-down";
  /** What it means, for people, lower-case and without a period. */
  readonly text: string;
  /** The line itself, without its prefix. */
  readonly line: string;
  /** What mends it, a full sentence, where it is trouble. */
  readonly mend?: string;
}

/** Where the server said that it stops: at a record (`before` or `after` it). */
export interface RecoveryStop {
  readonly side: "before" | "after" | "at-consistency";
  /** commit, abort, lsn, name ... as the log words it. */
  readonly what: string;
  readonly xid: number | null;
  readonly at: Instant | null;
  readonly lsn: Lsn | null;
}

/** How far a recovering server is. `paused`, `promoted`, `shut-down` and `failed` are the real end; the iteration ends with it. */
export interface RecoveryStatus {
  readonly state: "starting" | "replaying" | "paused" | "promoted" | "shut-down" | "failed";
  /** Hot standby is open: reads are possible, but not yet true before `paused` or `promoted`. */
  readonly acceptsReads: boolean;
  readonly consistent: boolean;
  /** pg_last_wal_replay_lsn(); null before reads are possible. */
  readonly replayLsn: Lsn | null;
  /** pg_last_xact_replay_timestamp(): commit time of the last replayed transaction. */
  readonly lastCommitAt: Instant | null;
  /** The last file that restore_command delivered. */
  readonly lastRestored: string | null;
  /** Files that restore_command delivered since the start. */
  readonly restoredFiles: number;
  /** Where it stopped, as soon as the log says so. */
  readonly stop: RecoveryStop | null;
  /** Known lines since the last status, oldest first. */
  readonly messages: readonly RecoveryMessage[];
  /** For `failed`: what happened, what mends it, and the log's last lines. */
  readonly failure: { readonly message: string; readonly next: string; readonly log: readonly string[] } | null;
}

/** Who a running server is, by its own word. */
export interface ServerIdentity {
  /** This machine's name where the server is local, otherwise the name that was connected to. */
  readonly host: string;
  /** The server's address as the session sees it; null over a socket. */
  readonly address: string | null;
  readonly port: number;
  readonly role: "primary" | "standby";
  readonly systemIdentifier: string;
  /** server_version_num. */
  readonly version: number;
  /** null without the right to see it (pg_read_all_settings). */
  readonly dataDirectory: string | null;
  readonly configFile: string | null;
  readonly hbaFile: string | null;
  readonly identFile: string | null;
  readonly timeline: TimelineId;
  readonly startedAt: Instant;
}

export interface PostgresPort {
  /** The installation for a major version; throws `precondition-refused` naming what to install. */
  installation(major: number, configured?: string): Promise<Installation>;
  /** Every installation that is found on this machine, newest major first. */
  installations(): Promise<readonly Installation[]>;
  /**
   * Looks without changing anything. What cannot be read is null; throws `precondition-refused` where the directory itself
   * may not be read. `control` needs an installation of that major version, otherwise it is null.
   */
  inspect(dataDirectory: string): Promise<DataDirectory>;
  /** The server's own word on where its files are; works on a running server only. */
  connectionOf(dataDirectory: DataDirectory, user: string, database: string): ConnectionTarget | null;
  controlData(dataDirectory: string, installation: Installation): Promise<ControlData>;
  /** Who manages the server on this directory; a refusal is a value. */
  serverControl(dataDirectory: DataDirectory, major: number, request: ControlRequest): Promise<ControlFinding>;
  /** Where the configuration of a directory lies, without a running server; null when no postgresql.conf is found. */
  configurationFiles(dataDirectory: string, major: number, configured?: string): Promise<ConfigurationFiles | null>;
  /** What the files say, includes and (for a data directory) postgresql.auto.conf applied. */
  readConfiguration(configFile: string, dataDirectory: string): Promise<ConfigurationContent>;
  /** `pg_ctl start -W ...` for a server of our own; returns as soon as the postmaster was launched. Pure. */
  startCommand(options: StartOptions): readonly string[];
  /** `pg_ctl stop -w ...` for a server of our own. Pure. */
  stopCommand(options: StopOptions): readonly string[];
  /** Settings that make a server harmless. Pure. */
  muzzle(options: MuzzleOptions): Settings;
  /** Lines `name = 'value'` for postgresql.conf, quoted, ending with a newline. Pure. */
  formatSettings(settings: Settings): string;
  /** Which of these libraries this installation lacks (by file in its library directory). */
  missingLibraries(installation: Installation, names: readonly string[]): Promise<readonly string[]>;
  /** Ends with the first status that is the real end; a failure is a value, not an exception. */
  followRecovery(options: FollowOptions): AsyncIterable<RecoveryStatus>;
  /** The last lines of the server's log on this host, wherever it writes it; null where none is found. */
  serverLog(
    directory: DataDirectory,
    lines: number,
  ): Promise<{ readonly file: string; readonly lines: readonly string[] } | null>;
  /** Who the server at the other end is. `host` is this machine's name when the server is local, otherwise `target`'s. */
  identify(sql: Sql, target?: ConnectionTarget): Promise<ServerIdentity>;
}
