import type { Instant } from "../domain/instant.ts";
import type { Lsn } from "../domain/lsn.ts";
import type { TimelineId } from "../domain/segment.ts";
import type { ConnectionTarget } from "./sql.ts";
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

export type DataDirectoryKind =
  | "missing" | "empty" | "unfinished-restore" | "cluster" | "other-files";

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
  /** postmaster.pid is there and no such process lives. */
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

/** A started server that is being followed. */
export interface StartOptions {
  readonly dataDirectory: string;
  readonly installation: Installation;
  /** `-c name=value` for the postmaster. */
  readonly settings: { readonly [name: string]: string };
  readonly logFile: string;
}

export interface PostgresPort {
  /** The installation for a major version; throws `precondition-refused` naming what to install. */
  installation(major: number, configured?: string): Promise<Installation>;
  inspect(dataDirectory: string): Promise<DataDirectory>;
  /** The server's own word on where its files are; works on a running server only. */
  connectionOf(dataDirectory: DataDirectory, user: string, database: string): ConnectionTarget | null;
  controlData(dataDirectory: string, installation: Installation): Promise<ControlData>;
}
