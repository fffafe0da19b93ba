import type { DumpCatalog, DumpedDatabase } from "../domain/dump.ts";
import type { StoredInclude } from "../domain/include.ts";
import type { Instant } from "../domain/instant.ts";
import type { DumpInputs } from "../domain/plan.ts";
import type { RecoveryPoint } from "../domain/recovery-point.ts";
import type { KeepRule } from "../domain/retention/policy.ts";
import type { Verdict } from "../domain/verdict.ts";
import type { Progress } from "./progress.ts";

/** What is known of a dump when it begins. */
export interface DumpHeader {
  readonly cluster: string;
  /** "" where the server does not say (managed servers). */
  readonly systemIdentifier: string;
  /** server_version_num. */
  readonly postgresVersion: number;
  readonly startedAt: Instant;
  /** The run that takes it, so that a continued run finds what it already finished. */
  readonly run: string;
}

/** An object that is being written. */
export interface DumpStream {
  /** Its name in the dump's folder. */
  readonly object: string;
  write(chunk: Uint8Array): Promise<void>;
  /** Gives the bytes that were written, before encryption. */
  commit(): Promise<number>;
  abort(): Promise<void>;
}

/** Writes the dumps of one server's databases as one point. Nothing is offered before commit() has resolved. */
export interface DumpWriter {
  readonly id: string;
  /** Begins a database's archive: pg_dump's bytes as they come. */
  archive(database: string, oid: number): Promise<DumpStream>;
  /** Stores what roles and tablespaces there are, as pg_dumpall says it; gives the object's name. */
  putGlobals(chunks: AsyncIterable<Uint8Array>): Promise<string>;
  /** Stores something that travels with it. Throws `precondition-refused` for a secret where nothing is encrypted. */
  putInclude(include: StoredInclude, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** Stores what a database had in it, in the dump's own snapshot; gives the object's name. */
  putCatalog(database: string, oid: number, catalog: DumpCatalog): Promise<string>;
  commit(end: DumpEnd): Promise<RecoveryPoint>;
  abort(): Promise<void>;
}

export interface DumpEnd {
  readonly finishedAt: Instant;
  /** pg_dump's version as server_version_num has it. */
  readonly clientVersion: number;
  readonly databases: readonly DumpedDatabase[];
  readonly globals: { readonly object: string; readonly passwords: boolean };
  /** Databases that were asked for and could not be dumped. */
  readonly failed: readonly { readonly database: string; readonly error: string }[];
  readonly label: string;
  readonly warnings: readonly string[];
  readonly keep?: KeepRule;
  readonly slot?: string;
}

/** A file of a directory archive. */
export interface DumpFile {
  readonly name: string;
  readonly content: AsyncIterable<Uint8Array>;
}

/** Reads one dump. Throws `damaged-data` for what is not as it was written, `credentials` without its key. */
export interface DumpReader {
  readonly point: RecoveryPoint;
  /** pg_dump's version as server_version_num has it; null where the dump does not say. */
  readonly clientVersion: number | null;
  readonly databases: readonly DumpedDatabase[];
  /** Databases that were asked for and are not in it. */
  readonly failed: readonly { readonly database: string; readonly error: string }[];
  /** A database's archive, as pg_dump wrote it. Its bytes are known to be right only when the iteration has ended. */
  archive(database: DumpedDatabase): AsyncIterable<Uint8Array>;
  /** The files of a directory archive; absent where a database's archive is one stream. */
  files?(database: DumpedDatabase): AsyncIterable<DumpFile>;
  /** Roles and tablespaces as SQL; null where the dump has none. */
  globals(): Promise<string | null>;
  /** What travels with it; none where the format has no such thing. */
  readonly includes: readonly StoredInclude[];
  /** The content of one of them; null when it is not there. */
  include(name: string): Promise<Uint8Array | null>;
  /** What was in a database; null where the dump does not say. */
  catalog(database: DumpedDatabase): Promise<DumpCatalog | null>;
  /** Reads every object and compares it with the commit document; throws `damaged-data` naming the first bad one. */
  verify(signal: AbortSignal): AsyncIterable<Progress>;
}

/** What to dump and how, for one run. */
export interface DumpRequest extends Omit<DumpInputs, "method" | "copyTo"> {
  readonly run: string;
}

/** What happens while databases are dumped; `finished` comes last, after the commit. */
export type DumpSignal =
  | ({ readonly signal: "progress" } & Progress)
  | { readonly signal: "verdict"; readonly verdict: Verdict }
  | { readonly signal: "log"; readonly level: "info" | "warn"; readonly text: string }
  | {
      readonly signal: "finished";
      readonly point: RecoveryPoint;
      readonly databases: readonly DumpedDatabase[];
      readonly failed: DumpEnd["failed"];
      readonly warnings: readonly string[];
    };

/**
 * Dumps databases with pg_dump. `examine` answers with verdicts and never throws. `take` throws `credentials`,
 * `precondition-refused`, `external-failure`, `store-failure`; whenever it throws, nothing of the dump is offered. A database
 * that fails while others succeed is in `failed`.
 */
export interface DumpTaker {
  examine(request: DumpRequest, signal: AbortSignal): Promise<readonly Verdict[]>;
  take(request: DumpRequest, signal: AbortSignal): AsyncIterable<DumpSignal>;
}
