import type { Include } from "../domain/include.ts";
import type { RecoveryPoint } from "../domain/recovery-point.ts";
import type { KeepRule } from "../domain/retention/policy.ts";
import type { Verdict } from "../domain/verdict.ts";
import type { Progress } from "./progress.ts";

/** How the server's files are read: from its disk, or through the replication protocol. `auto`: from disk where that is safe. */
type BackupSourceChoice = "auto" | "local" | "remote";

/**
 * Where the WAL of the backup itself goes. `archive`: wait until the server's archiving has brought it to the repository;
 * `include`: store it inside the backup; `auto`: include it only where the server does not archive.
 */
export type BackupWalChoice = "auto" | "archive" | "include";

/** What to back up and how. JSON all through, so that it can stand in a journal; connections are found by the cluster's name. */
export interface BackupRequest {
  /** The run that takes it: kept in the backup, so that a continued run finds it. */
  readonly run: string;
  readonly cluster: string;
  /** Name or URL of the repository. */
  readonly repository: string;
  readonly source: BackupSourceChoice;
  readonly wal: BackupWalChoice;
  readonly label: string;
  /** `fast` begins with an immediate checkpoint; `spread` waits for a gentle one. */
  readonly checkpoint: "fast" | "spread";
  /** How long to wait for the WAL to arrive in the archive after the last file was read. */
  readonly walTimeoutSeconds: number;
  /** The data directory on this host where it is known; null: ask the server. */
  readonly dataDirectory: string | null;
  /** The retention rule by which it stays; null: the policy judges it like any other. */
  readonly keep?: KeepRule | null;
  /** The slot of a schedule that it is taken for; null: by hand. */
  readonly slot?: string | null;
  /** What travels with it; absent: nothing. */
  readonly includes?: readonly Include[];
  /** An existing directory (0700) for small files while the backup runs: the manifest is collected there. */
  readonly scratchDirectory: string;
}

/** What happens while a backup is taken; `finished` comes last, after the commit. */
export type BackupSignal =
  | ({ readonly signal: "progress" } & Progress)
  | { readonly signal: "verdict"; readonly verdict: Verdict }
  | { readonly signal: "log"; readonly level: "info" | "warn"; readonly text: string }
  | {
      readonly signal: "finished";
      readonly point: RecoveryPoint;
      readonly source: "local" | "remote";
      readonly warnings: readonly string[];
    };

/**
 * Takes base backups. `examine` answers with verdicts and never throws: what cannot be asked is "unknown". `take` throws
 * `locked` (another host backs this server up), `credentials`, `precondition-refused`, `external-failure` (the server
 * failed), `store-failure`; whenever it throws, or its reader stops, or the signal aborts, nothing of the backup is offered.
 */
export interface BackupTaker {
  examine(request: BackupRequest, signal: AbortSignal): Promise<readonly Verdict[]>;
  take(request: BackupRequest, signal: AbortSignal): AsyncIterable<BackupSignal>;
}
