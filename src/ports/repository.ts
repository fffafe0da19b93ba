import type { Json } from "../domain/brand.ts";
import type { WalInventory } from "../domain/coverage.ts";
import type { StoredInclude } from "../domain/include.ts";
import type { Instant } from "../domain/instant.ts";
import type { Lsn } from "../domain/lsn.ts";
import type { RecoveryPoint, Tablespace } from "../domain/recovery-point.ts";
import type { KeepRule } from "../domain/retention/policy.ts";
import type { RunRecord } from "../domain/run/record.ts";
import type { TimelineId } from "../domain/segment.ts";
import type { DumpHeader, DumpReader, DumpWriter } from "./dump.ts";
import type { Keeping } from "./keeping.ts";
import type { Leasing } from "./leasing.ts";
import type { Progress } from "./progress.ts";

/** A place with backups, in one format. Reading never changes it. Errors as in ObjectStore, plus `damaged-data`. */
export interface Repository {
  readonly name: string;
  readonly url: string;
  readonly format: string;
  readonly readOnly: boolean;
  /** Which database systems have something here. */
  systems(): AsyncIterable<{ readonly cluster: string; readonly systemIdentifier: string }>;
  /** Every point, incomplete ones too, oldest first. A point's WAL is judged by whoever has the inventory, not here. */
  points(filter?: { readonly cluster?: string; readonly systemIdentifier?: string }): AsyncIterable<RecoveryPoint>;
  wal(cluster: string, systemIdentifier: string): WalArchive;
  openBackup(point: RecoveryPoint): Promise<BackupReader>;
  /** Begins a backup; throws `precondition-refused` on a read-only repository. */
  beginBackup(header: BackupHeader): Promise<BackupWriter>;
  /** Opens a dump; absent where the format has none. */
  openDump?(point: RecoveryPoint): Promise<DumpReader>;
  /** Begins a dump; absent where nothing is written. Throws `precondition-refused` on a read-only repository. */
  beginDump?(header: DumpHeader): Promise<DumpWriter>;
  /** Adds one document to the fleet's history (runs/<yyyy-mm>/<id>.json). */
  recordRun(cluster: string, id: string, at: Instant, document: Json): Promise<void>;
  /** Runs of a cluster that were opened since a moment, newest first, at most `limit`; absent where none are kept. */
  runs?(cluster: string, options: { readonly since: Instant; readonly limit: number }): Promise<readonly RunRecord[]>;
  /** Tries whether the place can be written to, with an object of its own; absent where nothing is written. Throws as the store does. */
  probe?(): Promise<StoreProbe>;
  /** For copies from a repository of the same format; absent where nothing is written. */
  readonly copying?: Copying;
  /** Who works in it; absent in the formats of others. */
  readonly leasing?: Leasing;
  /** For retention; absent where nothing may be removed: read-only repositories and the formats of others. */
  readonly keeping?: Keeping;
}

/** What trying a store has shown. */
export interface StoreProbe {
  /** Whether of two writers exactly one makes an object: what keeps two servers out of one archive. */
  readonly createsOnce: boolean;
  /** Whether these credentials may delete. A writer that may not cannot be made to lose backups. */
  readonly mayDelete: boolean;
}

/**
 * Brings into this repository what another one of the same format has, byte for byte. Throws `precondition-refused` where
 * the other is of another format or otherwise encrypted, or has something else under the same name.
 */
export interface Copying {
  /** A committed backup, offered here only when all of it is here; goes on where an earlier copy was cut off. */
  point(from: Repository, point: RecoveryPoint, signal: AbortSignal): AsyncIterable<Progress>;
  /** All WAL of a system that is missing here. */
  wal(
    from: Repository,
    place: { readonly cluster: string; readonly systemIdentifier: string },
    signal: AbortSignal,
  ): AsyncIterable<Progress>;
}

/** The WAL of one system in one repository. */
export interface WalArchive {
  /** Everything that is stored, from one listing. */
  inventory(): Promise<WalInventory>;
  /**
   * The plain content of a segment, .history or .backup file, verified (hash, and for segments size, page header and
   * system identifier); null when the listing shows none, which is not yet a proof of the end of WAL. Throws
   * `damaged-data` when it is there and not what was written. Never answers a name with its .partial.
   */
  fetch(name: string): Promise<Uint8Array | null>;
  /** `fetch` without joining the content: pieces in order, each of memory of its own that the caller may release. */
  fetchParts?(name: string): Promise<readonly Uint8Array[] | null>;
  /**
   * Stores a file once, durably. The same content again is "already-there"; other content under the name throws
   * `precondition-refused` (two servers write one archive).
   */
  store(name: string, content: Uint8Array): Promise<"stored" | "already-there">;
  has(name: string): Promise<boolean>;
}

export interface BackupHeader {
  readonly cluster: string;
  readonly systemIdentifier: string;
  readonly postgresVersion: number;
  readonly segmentSize: number;
  readonly startedAt: Instant;
  /** The run that takes it, so that a continued run finds what it already finished. */
  readonly run: string;
}

/** Attributes of a file in an archive. mtime in whole seconds since 1970. */
export interface FileAttributes {
  readonly mode: number;
  readonly mtime: number;
}

/** Writes one backup. Nothing is offered as a recovery point before commit() has resolved. */
export interface BackupWriter {
  readonly id: string;
  /** Begins the archive of PGDATA ("base") or of a tablespace (its oid). One at a time. */
  archive(name: string): Promise<ArchiveWriter>;
  /** Stores one of the small parts: backup_manifest, catalog (JSON). */
  put(name: "backup_manifest" | "catalog.json", chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** Stores something that travels with it. Throws `precondition-refused` for a secret where nothing is encrypted. */
  putInclude(include: StoredInclude, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** Stores WAL inside the backup where no archive has it. */
  putWal(name: string, content: Uint8Array): Promise<void>;
  commit(end: BackupEnd): Promise<RecoveryPoint>;
  abort(): Promise<void>;
}

export interface BackupEnd {
  readonly finishedAt: Instant;
  readonly timeline: TimelineId;
  readonly startLsn: Lsn;
  readonly stopLsn: Lsn;
  readonly tablespaces: readonly Tablespace[];
  readonly bytes: number;
  readonly label: string;
  /** Kept in backup.json and shown with the point: pages with bad checksums, for instance. */
  readonly warnings?: readonly string[];
  /** The retention rule that it shall be kept by. */
  readonly keep?: KeepRule;
  /** The slot of a schedule that it was taken for. */
  readonly slot?: string;
}

/** Reads into a part of a frame that is being filled: at most `into.length` bytes; 0 at the end of the file. */
export type FillBuffer = (into: Uint8Array) => Promise<number>;

/**
 * Writes one archive: a tar stream cut into independent zstd frames with an index. Paths are relative, `/`-separated.
 * Members must come one after the other (await each).
 */
export interface ArchiveWriter {
  directory(path: string, attributes: FileAttributes): Promise<void>;
  /** A symbolic link, e.g. pg_tblspc/16385. Kept for stock tools; restore makes its own. */
  link(path: string, target: string, attributes: FileAttributes): Promise<void>;
  /** Exactly `size` bytes are taken from `fill`; where it ends early the rest is zeros (a file that shrank under us). */
  file(path: string, size: number, attributes: FileAttributes, fill: FillBuffer): Promise<void>;
  finish(): Promise<void>;
}

/** What an archive's index says of a member. */
export interface BackupMember {
  /** "base" or a tablespace's oid. */
  readonly archive: string;
  readonly path: string;
  readonly type: "file" | "directory" | "link";
  readonly size: number;
  readonly mode: number;
  readonly mtime: number;
  readonly link?: string;
}

export interface RestoreRequest {
  readonly dataDirectory: string;
  /** Tablespace oid -> directory. Every tablespace of the point must be named. */
  readonly tablespaces: { readonly [oid: string]: string };
  /** Called when everything but global/pg_control is in place: the last moment at which PostgreSQL cannot start there. */
  readonly beforeControl?: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** Reads one backup. Frames are verified (length, SHA-256) before anything of them is used: `damaged-data` otherwise. */
export interface BackupReader {
  readonly point: RecoveryPoint;
  members(): AsyncIterable<BackupMember>;
  /** The backup_manifest; null where the backup has none. */
  manifest(): Promise<Uint8Array | null>;
  /** Whether there is a backup_manifest whose bytes are as they were written: told without holding it in memory. */
  hasManifest(): Promise<boolean>;
  /** The catalog document (docs/repository-format.md); null where the format has none. */
  catalog(): Promise<Json | null>;
  /** What travels with it; none where the format has no such thing. */
  readonly includes: readonly StoredInclude[];
  /** The content of one of them; null when it is not there. */
  include(name: string): Promise<Uint8Array | null>;
  /** WAL stored inside the backup; null when it is not there. */
  wal(name: string): Promise<Uint8Array | null>;
  /**
   * Writes the files, in parallel and confined to the given directories, everything fsynced before global/pg_control
   * appears last. Called again after a cut it goes on: files that are whole are kept. Progress in bytes.
   */
  restore(request: RestoreRequest): AsyncIterable<Progress>;
  /** Reads every object of the backup and compares it with the commit document; throws `damaged-data` naming the first bad one. */
  verify(signal: AbortSignal): AsyncIterable<Progress>;
}
