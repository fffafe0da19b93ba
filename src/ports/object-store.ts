import type { Instant } from "../domain/instant.ts";
import type { Rehydration, RehydrationRequest, Tier } from "../domain/tier.ts";

/** An object as a listing shows it. `modifiedAt` is the store's clock: informative, never decides anything. */
export interface ObjectInfo {
  readonly key: string;
  readonly size: number;
  readonly modifiedAt: Instant;
  /** Where it lies; absent where the store has no tiers, or one by a name that nobody knows. */
  readonly tier?: Tier;
  /** True where the object must be rehydrated before it can be read. */
  readonly archived?: boolean;
}

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** An object as it was at one moment. */
export interface ObservedObject {
  readonly bytes: Uint8Array;
  /** Of the store's making; another one whenever the content is another. */
  readonly version: string;
}

/** Small strings kept beside an object, readable without its content; keys in lower case. */
export type Metadata = { readonly [key: string]: string };

/**
 * Where backups lie: keys are relative to the store's root, `/`-separated, never absolute, never with `..`.
 * Every method throws PgrescueError: `repository-not-found` (the root is not there), `credentials`, `store-failure`
 * (everything else the store did wrong; transient ones were retried). Absence of an object is a value, not an error.
 */
export interface ObjectStore {
  /** For people and records; never holds a secret. */
  readonly url: string;
  /**
   * Objects below `prefix` in byte order of their keys (beyond Unicode's basic plane perhaps of UTF-16), beginning after
   * `startAfter`. Uncommitted writes never show.
   */
  list(prefix: string, options?: { readonly startAfter?: string }): AsyncIterable<ObjectInfo>;
  head(key: string): Promise<(ObjectInfo & { readonly metadata: Metadata }) | null>;
  /** The bytes, exactly `range.length` of them where a range is given; null when there is no such object. They are the caller's own. */
  get(key: string, range?: ByteRange): Promise<Uint8Array | null>;
  /** The object's bytes in order, in chunks of the store's choosing. Throws `store-failure` when there is no such object. */
  read(key: string, range?: ByteRange): AsyncIterable<Uint8Array>;
  /** Writes a whole object, durable when this resolves. With `ifAbsent`, an existing object is left alone: "exists". */
  put(
    key: string,
    bytes: Uint8Array,
    options?: { readonly ifAbsent?: boolean; readonly metadata?: Metadata },
  ): Promise<"stored" | "exists">;
  /** A small object whole, with the tag of this version of it; null when there is none. */
  observe(key: string): Promise<ObservedObject | null>;
  /**
   * Overwrites a small object, durably, only while its version is `version`: of many writers that saw the same, one
   * succeeds. Gives the new version; null where the object is another by now, or gone. Metadata goes. The bytes must be no
   * other writer's (something random in them): a repeated request knows its own work by them. Throws
   * `precondition-refused` where the store has no conditional overwriting.
   */
  replace(key: string, bytes: Uint8Array, version: string): Promise<string | null>;
  /** Begins a streamed object, visible and durable only after commit(). The key must be unique: an existing one is replaced. */
  write(key: string, options?: { readonly metadata?: Metadata }): Promise<ObjectWriter>;
  /** Removes an object; absence is fine. */
  delete(key: string): Promise<void>;
  /** Removes what writes that began before that left unfinished and invisible; gives the names. Absent where nothing is left. */
  readonly sweep?: (before: Instant) => AsyncIterable<string>;
  /** Bringing back what lies in an archive tier. Absent where a store has no such tier. */
  readonly rehydrating?: Rehydrating;
}

/** Every method throws as those of the store do. */
export interface Rehydrating {
  /** Where an object stands; null when there is none. One request, which costs next to nothing. */
  state(key: string): Promise<Rehydration | null>;
  /**
   * Asks for an archived object to become readable, which costs money and takes hours. What is on its way, or readable
   * already, is left as it is. Gives where it stands then. Throws `store-failure` where there is no such object, and
   * `precondition-refused` where its class does not know this priority.
   */
  begin(key: string, request: RehydrationRequest): Promise<Rehydration>;
}

export interface ObjectWriter {
  /** Takes the chunk over (the caller must not touch it again); resolves when the writer can take more. */
  write(chunk: Uint8Array): Promise<void>;
  commit(): Promise<void>;
  /** Leaves nothing visible. Safe to call at any time, also after commit (then it does nothing). */
  abort(): Promise<void>;
}

/** A storage backend: how its part of the configuration looks and how it is opened. */
export interface Backend {
  /** URL schemes, without the colon. */
  readonly schemes: readonly string[];
  /** Its stores repeat by themselves what may be repeated: nobody else should. */
  readonly repeats?: boolean;
  /** Opens the store at `url`. `options` is the repository's entry in the configuration, already checked. */
  open(url: string, options: { readonly [key: string]: unknown }): Promise<ObjectStore>;
}
