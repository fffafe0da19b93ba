import type { Json } from "./brand.ts";
import type { DumpFilters } from "./dump.ts";
import type { Include } from "./include.ts";
import type { KeepRule, RetentionPolicy } from "./retention/policy.ts";
import type { Risk, Phase } from "./runbook.ts";

/**
 * What a run works from: written once when it is opened, never changed, JSON all through. LSNs are "0/9E000028",
 * 64-bit integers strings, instants ISO 8601 UTC with microseconds.
 */
export interface RecoveryInputs {
  readonly method: "restore-to-scratch" | "rewind-in-place" | "base-backup-only";
  readonly cluster: string;
  readonly repository: string;
  readonly point: string;
  readonly systemIdentifier: string;
  readonly postgresVersion: number;
  readonly segmentSize: number;
  /** The data directory that will be written, and its server's port. */
  readonly dataDirectory: string;
  readonly port: number;
  readonly socketDirectory: string;
  /** Tablespace oid -> directory that it goes to. */
  readonly tablespaces: { readonly [oid: string]: string };
  readonly target: TargetInputs;
  /** recovery_target_* by PostgreSQL's names, as they are written; with a target it always pauses first, to be checked. */
  readonly settings: { readonly [name: string]: string };
  /** What happens when the target is reached and checked. */
  readonly targetAction: "pause" | "promote";
  /** Minimum values that recovery needs (max_connections and so on). */
  readonly floors: { readonly [name: string]: number };
  /** Segments that will be replayed, for progress: first needed position and where it ends. */
  readonly replayFrom: string;
  readonly replayUntil: string | null;
  readonly bytes: number;
  readonly storedBytes: number;
  /** Where in-place recovery saves WAL that never reached the archive; for scratch pg_wal of production, only read; null: none. */
  readonly savedWal: string | null;
  /** Where the old data directory is moved; null for scratch. */
  readonly asideDirectory: string | null;
  readonly confirm: string;
  /** What the configuration says of the cluster; every part may be absent, as on an empty host without configuration. */
  readonly site?: SiteInputs;
  readonly warnings: readonly string[];
  /** The recovery is a test or a drill: what it is compared with, and what becomes of the copy; absent where it is for real. */
  readonly exercise?: ExerciseInputs;
}

export interface ExerciseInputs {
  /** The copy and its server stay. */
  readonly keep: boolean;
  /** How long the configuration says that it may take; null: it does not. */
  readonly rtoSeconds: number | null;
  /** What the plan expected; null: nothing. */
  readonly expectedSeconds: number | null;
}

/** What a backup run works from: written once when it is opened, never changed. Connections are found by the cluster's name. */
export interface BackupInputs {
  readonly method: "backup";
  readonly cluster: string;
  /** Name or URL of the repository. */
  readonly repository: string;
  readonly source: "auto" | "local" | "remote";
  readonly wal: "auto" | "archive" | "include";
  readonly label: string;
  readonly checkpoint: "fast" | "spread";
  readonly walTimeoutSeconds: number;
  /** The data directory on this host where it is known; null: ask the server. */
  readonly dataDirectory: string | null;
  /** The retention rule by which it stays, where it was taken by hand for one. */
  readonly keep?: KeepRule | null;
  /** The slot of a schedule that it is taken for; null: by hand. */
  readonly slot?: string | null;
  /** Repositories that get a copy when it is taken and verified; null: none. */
  readonly copyTo?: readonly string[] | null;
  /** What travels with it; absent: nothing. */
  readonly includes?: readonly Include[];
}

/** What a run that dumps databases works from: written once when it is opened, never changed. */
export interface DumpInputs {
  readonly method: "dump";
  readonly cluster: string;
  /** Name or URL of the repository. */
  readonly repository: string;
  /** null: every database that allows connections and is no template. */
  readonly databases: readonly string[] | null;
  readonly exclude: readonly string[];
  readonly filters: DumpFilters;
  /** pg_dump's --compress; null: its own default. */
  readonly compress: string | null;
  /** What is counted in the dump's snapshot. */
  readonly proof: "none" | "rows" | "fingerprint";
  /** How long to wait for a table that somebody has locked. */
  readonly lockTimeoutSeconds: number;
  readonly label: string;
  readonly keep: KeepRule | null;
  /** The slot of a schedule that it is taken for; null: by hand. */
  readonly slot: string | null;
  /** Repositories that get a copy when it is taken and verified; null: none. */
  readonly copyTo: readonly string[] | null;
  /** What travels with it. */
  readonly includes: readonly Include[];
  /** Directory of PostgreSQL's programs; null: found by itself. */
  readonly binaries: string | null;
}

/** What a run that restores a dump into a new database works from: written once when it is opened, never changed. */
export interface DumpRestoreInputs {
  readonly method: "dump-to-new-database";
  readonly cluster: string;
  /** Name or URL of the repository. */
  readonly repository: string;
  readonly point: string;
  /** "" where the server that was dumped did not say. */
  readonly systemIdentifier: string;
  /** Whose archive of the dump. */
  readonly sourceDatabase: string;
  /** A cluster of the configuration, or a connection string without a password. */
  readonly into: string;
  /** The database that is made. */
  readonly database: string;
  /** Names; none: everything. */
  readonly schemas: readonly string[];
  readonly tables: readonly string[];
  readonly jobs: number;
  /** Where the archive is put for several jobs; null: the run's own directory. */
  readonly staging: string | null;
  readonly owners: boolean;
  readonly privileges: boolean;
  readonly binaries: string | null;
  /** The name that the new database gets at the end, and the one that the database of that name gets; null: it keeps its own. */
  readonly swap: { readonly name: string; readonly old: string } | null;
}

/** What a run that writes a dump into a directory works from: written once when it is opened, never changed. */
export interface DumpFilesInputs {
  readonly method: "dump-as-files";
  readonly cluster: string;
  /** Name or URL of the repository. */
  readonly repository: string;
  readonly point: string;
  readonly systemIdentifier: string;
  readonly directory: string;
  /** null: all of its databases. */
  readonly databases: readonly string[] | null;
}

/** What a run that tests a dump works from: written once when it is opened, never changed. */
export interface DumpTestInputs {
  readonly method: "dump-test";
  readonly cluster: string;
  /** Name or URL of the repository. */
  readonly repository: string;
  readonly point: string;
  /** "" where the server that was dumped did not say. */
  readonly systemIdentifier: string;
  /** Where the server is made: empty or not there. */
  readonly directory: string;
  /** null: all of its databases. */
  readonly databases: readonly string[] | null;
  readonly binaries: string | null;
  readonly exercise: ExerciseInputs;
}

/** What a copy works from: written once when it is opened, never changed. */
export interface CopyInputs {
  readonly method: "copy";
  readonly cluster: string;
  readonly from: string;
  readonly to: readonly string[];
  /** Points to be copied, by id. */
  readonly points: readonly string[];
  /** Systems whose WAL is brought up to date. */
  readonly systems: readonly string[];
}

/** What an expiry works from: written once when it is opened, never changed. */
export interface ExpiryInputs {
  readonly method: "expire";
  readonly cluster: string;
  /** Names of the repositories in which something may be removed. */
  readonly repositories: readonly string[];
  /** The policy of each of them, in the same order. */
  readonly policies: readonly RetentionPolicy[];
  /** All the cluster's repositories: the WAL in each of them makes points of the others restorable. */
  readonly neighbours: readonly string[];
  /** How long an unfinished backup is left alone. */
  readonly graceSeconds: number;
}

/** The parts of a cluster's configuration that recovery uses. */
export interface SiteInputs {
  /** A superuser's name, for sessions in the recovered server: the configuration's or else the backup catalog's; `postgres` where absent. */
  readonly superuser?: string;
  readonly database?: string;
  /** Directory of PostgreSQL's programs; found by itself where absent. */
  readonly binaries?: string;
  /** The server's configuration file where it is not in the data directory; found by itself where absent. */
  readonly configFile?: string;
  /** As in the configuration's `control:`. */
  readonly control?: ControlInputs;
  /** Other repositories with WAL of this cluster, read after `repository`. */
  readonly repositories?: readonly string[];
  readonly stopApplication?: readonly string[];
  readonly startApplication?: readonly string[];
  readonly checks?: readonly { readonly name: string; readonly sql: string; readonly database?: string }[];
  readonly smoke?: readonly string[];
  /** shared_buffers of a scratch server, e.g. "256MB". */
  readonly sharedBuffers?: string;
  /** The port that was asked for in place: written down, where the old configuration may say another. */
  readonly port?: number;
  /** Production's data directory and tablespaces where they are on this host: nothing of a scratch server may lie in them. */
  readonly production?: readonly string[];
}

export interface ControlInputs {
  readonly kind: "auto" | "pg_ctl" | "pg_ctlcluster" | "patroni" | "systemd" | "command";
  readonly unit?: string;
  readonly start?: readonly string[];
  readonly stop?: readonly string[];
  readonly status?: readonly string[];
}

export interface TargetInputs {
  readonly kind: string;
  readonly value: string;
  readonly inclusive: boolean;
  readonly timeline: number;
  readonly stopAt: string | null;
  readonly lastCommit: { readonly xid: string; readonly at: string; readonly lsn: string } | null;
  readonly firstLost: { readonly xid: string; readonly at: string; readonly lsn: string } | null;
  readonly lostCommits: number | null;
}

/** A step as it will run: shown by plan, dry run and confirmation, kept in the journal. */
export interface PlannedStep {
  readonly id: string;
  readonly title: string;
  readonly why: string;
  readonly trap?: string;
  readonly phase: Phase;
  readonly risk: Risk;
  readonly builtin: string;
  readonly with: { readonly [key: string]: Json };
  readonly when?: string;
  readonly undo: string;
  readonly confirm: "none" | "type";
  readonly onFailure: "stop" | "continue";
  /** What will happen, in one or a few lines. */
  readonly describe: string;
  /** The exact commands, each an argument array, where the step runs any. */
  readonly commands: readonly (readonly string[])[];
}

/** Time and loss of a method, with the basis of the numbers; null is "unknown", never zero. */
export interface Estimate {
  readonly seconds: number | null;
  readonly basis: string;
  /** The runs that the speeds were measured in, `run R20261120-0314-k3f`; absent where `seconds` is null. */
  readonly measuredIn?: string;
  readonly lostTransactions: number | null;
  readonly lostSeconds: number | null;
  readonly bytesToWrite: number;
}
