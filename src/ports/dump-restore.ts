import type { DumpRestoreInputs } from "../domain/plan.ts";
import type { Verdict } from "../domain/verdict.ts";
import type { DumpReader } from "./dump.ts";
import type { Progress } from "./progress.ts";

/** Which dump goes where, for one run. `run`: the new database bears its mark until it is done. */
export interface DumpRestoreRequest extends Omit<
  DumpRestoreInputs,
  "method" | "cluster" | "repository" | "systemIdentifier" | "staging"
> {
  readonly run: string;
  /** An existing directory for the archive; null: it is streamed. */
  readonly staging: string | null;
}

export type DumpRestoreSignal =
  | ({ readonly signal: "progress" } & Progress)
  | { readonly signal: "verdict"; readonly verdict: Verdict }
  | { readonly signal: "log"; readonly level: "info" | "warn"; readonly text: string };

/** Which parts of a dump go into which directory. */
export interface DumpFilesRequest {
  readonly run: string;
  /** Missing or empty, or begun by this run. */
  readonly directory: string;
  /** null: all. */
  readonly databases: readonly string[] | null;
}

/** Where the database of a request stands: not there, begun by this run, done by this run, or somebody else's. */
export type NewDatabase = "absent" | "ours-unfinished" | "ours-done" | "others";

/**
 * Restores dumps into servers. `examine` answers with verdicts and never throws. The others throw `credentials`,
 * `external-failure`, `damaged-data`, `precondition-refused`. Nothing that was in the server before is changed or removed
 * by anything but `swap`.
 */
export interface DumpRestorer {
  examine(request: DumpRestoreRequest, reader: DumpReader, signal: AbortSignal): Promise<readonly Verdict[]>;
  /** Roles of the dump that the server lacks, by name. */
  missingRoles(request: DumpRestoreRequest, reader: DumpReader): Promise<readonly string[]>;
  /** Makes the roles that the server lacks; those that are there are left as they are. */
  restoreRoles(request: DumpRestoreRequest, reader: DumpReader, signal: AbortSignal): AsyncIterable<DumpRestoreSignal>;
  state(request: DumpRestoreRequest): Promise<NewDatabase>;
  /** Makes the database and fills it; what this run had begun of it is made anew. */
  restore(request: DumpRestoreRequest, reader: DumpReader, signal: AbortSignal): AsyncIterable<DumpRestoreSignal>;
  /** Compares the new database with what the dump's catalog says. */
  compare(request: DumpRestoreRequest, reader: DumpReader, signal: AbortSignal): AsyncIterable<DumpRestoreSignal>;
  /**
   * Gives the new database the name `name`; the one that has it is renamed to `old`, after its sessions were ended. Throws
   * `precondition-refused` before that where `old` is taken.
   */
  swap(request: DumpRestoreRequest, names: { readonly name: string; readonly old: string }): Promise<void>;
  /** Takes `swap` back. */
  swapBack(request: DumpRestoreRequest, names: { readonly name: string; readonly old: string }): Promise<void>;
  isSwapped(request: DumpRestoreRequest, names: { readonly name: string; readonly old: string }): Promise<boolean>;
  /** Writes a dump into a directory. Throws `precondition-refused` for one with something else in it. */
  toFiles(
    request: DumpFilesRequest,
    reader: DumpReader,
    signal: AbortSignal,
  ): AsyncIterable<DumpRestoreSignal | { readonly signal: "written"; readonly files: readonly string[] }>;
  /** How psql reaches the new database, without a password. */
  connectionString(request: DumpRestoreRequest): Promise<string>;
}
