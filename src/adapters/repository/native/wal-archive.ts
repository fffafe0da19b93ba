import { createHash, hash } from "node:crypto";
import { PgrescueError } from "../../../domain/errors.ts";
import { parseWalFileName } from "../../../domain/segment.ts";
import { parseHistory } from "../../../domain/timeline.ts";
import { faultOfSegment } from "../../../domain/wal-header.ts";
import type { Metadata, ObjectStore } from "../../../ports/object-store.ts";
import type { WalArchive } from "../../../ports/repository.ts";
import { readInventory } from "./wal-inventory.ts";
import { isCompressed, walKey } from "./wal-keys.ts";
import { compressFrames, decompressFrames } from "./wal-zstd.ts";

export interface WalArchiveOptions {
  readonly store: ObjectStore;
  /** `<cluster>/<system identifier>/wal/`, with the slash at its end. */
  readonly prefix: string;
  readonly systemIdentifier: string;
}

/** PostgreSQL's largest segment size; history and .backup files are far smaller. */
const largestFile = 1024 * 1024 * 1024;

/** The WAL of one system in the native format (docs/repository-format.md). Opening touches nothing. */
export function openWalArchive({ store, prefix, systemIdentifier }: WalArchiveOptions): WalArchive {
  const fetchParts = async (name: string): Promise<readonly Uint8Array[] | null> => {
    const key = prefix + keyOf(name);
    const [stored, info] = await Promise.all([store.get(key), store.head(key)]);
    if (stored === null) return null;
    try {
      return await verified(name, stored, info?.metadata ?? {}, systemIdentifier);
    } catch (error) {
      if (!(error instanceof PgrescueError) || error.code !== "damaged-data") throw error;
      throw new PgrescueError("damaged-data", `${name} in ${store.url} is damaged: ${error.message}`, { cause: error });
    }
  };

  const fetch = async (name: string): Promise<Uint8Array | null> => {
    const parts = await fetchParts(name);
    return parts === null ? null : joined(parts);
  };

  const sameAsStored = async (name: string, key: string, sha256: string): Promise<boolean> => {
    const known = (await store.head(key))?.metadata["sha256"];
    if (known !== undefined && known !== sha256) return false;
    // What the metadata says is not enough: the caller forgets its copy, so the stored one must be readable and the same.
    const content = await fetch(name);
    return content !== null && hash("sha256", content) === sha256;
  };

  return {
    inventory: () => readInventory({ store, prefix, systemIdentifier, fetch }),
    fetch,
    fetchParts,
    has: async (name) => (await store.head(prefix + keyOf(name))) !== null,
    store: async (name, content) => {
      const key = prefix + keyOf(name);
      const fault = faultOf(name, content, systemIdentifier);
      if (fault !== null) {
        throw new PgrescueError("precondition-refused", `refused to store ${name}: it ${fault}`, {
          means: "The file was not stored; PostgreSQL keeps it and tries again.",
          next: "Check that this server archives into the repository of its own cluster; after pg_upgrade or initdb the system identifier is a new one.",
        });
      }
      const { bytes, sha256, storedSha256 } = await prepareWal(name, content);
      const metadata = { sha256, storedSha256, size: String(content.length) };
      if ((await store.put(key, bytes, { ifAbsent: true, metadata })) === "stored") return "stored";
      if (await sameAsStored(name, key, sha256)) return "already-there";
      throw new PgrescueError("precondition-refused", `${name} is already in ${store.url} with other content`, {
        means:
          "Two servers write into one archive, or this server was recovered and writes again on an old timeline; the stored file was left alone.",
        next: "Find the other server with this cluster name; archive a recovered server's WAL to a timeline or repository of its own.",
      });
    },
  };
}

/** What is stored for a file's content: its bytes as they lie in the store, and the plain content's hash. */
interface PreparedWal {
  readonly bytes: Uint8Array;
  readonly sha256: string;
  /** Of `bytes`. */
  readonly storedSha256: string;
}

const prepared = new WeakMap<Uint8Array, Promise<PreparedWal>>();

/**
 * Begins the work on a file's content. It is done once, however many archives store the same array, and may be begun
 * before it is known which: `store` finds it.
 */
export async function prepareWal(name: string, content: Uint8Array): Promise<PreparedWal> {
  const begun = prepared.get(content);
  if (begun !== undefined) return await begun;
  const work = prepare(content, isCompressed(keyOf(name)));
  prepared.set(content, work);
  return await work;
}

async function prepare(content: Uint8Array, compress: boolean): Promise<PreparedWal> {
  // The thread pool compresses while this thread hashes.
  const compressing = compress ? compressFrames(content) : Promise.resolve(content);
  const sha256 = hash("sha256", content);
  const bytes = await compressing;
  return { bytes, sha256, storedSha256: hash("sha256", bytes) };
}

async function verified(
  name: string,
  stored: Uint8Array,
  metadata: Metadata,
  systemIdentifier: string,
): Promise<readonly Uint8Array[]> {
  const size = metadata["size"] === undefined ? null : Number(metadata["size"]);
  const compressed = isCompressed(keyOf(name));
  const limit = Math.min(size ?? largestFile, largestFile);
  // Bytes that are as they were written, and frames that check what comes out of them: hashing the content, which is
  // many times as long, would prove nothing more.
  const asWritten = compressed && metadata["storedSha256"] === hash("sha256", stored);
  const hasher = createHash("sha256");
  const { parts, length, checked } = compressed
    ? await decompressFrames(stored, limit, asWritten ? undefined : hasher)
    : { parts: [stored], length: stored.length, checked: false };
  if (!compressed) hasher.update(stored);
  if (size !== null && size !== length) {
    throw new PgrescueError("damaged-data", `it has ${length} bytes instead of ${size}`);
  }
  const sha256 = metadata["sha256"];
  if (asWritten && !checked) throw new PgrescueError("damaged-data", "its frames hold no checksums");
  if (!asWritten && sha256 !== undefined && hasher.digest("hex") !== sha256) {
    throw new PgrescueError("damaged-data", "its SHA-256 is not the recorded one");
  }
  const kind = parseWalFileName(name)?.kind;
  if (sha256 === undefined && !checked && (kind === "segment" || kind === "partial")) {
    throw new PgrescueError("damaged-data", "neither a recorded SHA-256 nor a checksum of its own guards its content");
  }
  const isSegment = kind === "segment" || kind === "partial";
  const fault = isSegment
    ? faultOfSegment(name, parts[0] ?? new Uint8Array(), systemIdentifier, length)
    : faultOf(name, joined(parts), systemIdentifier);
  if (fault !== null) throw new PgrescueError("damaged-data", `it ${fault}`);
  return parts;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
}

/** What is wrong with `content` under this name; null when nothing is. */
function faultOf(name: string, content: Uint8Array, systemIdentifier: string): string | null {
  const file = parseWalFileName(name);
  if (file === null) return "has a name that is none of PostgreSQL's";
  if (file.kind === "segment" || file.kind === "partial") return faultOfSegment(name, content, systemIdentifier);
  const text = new TextDecoder().decode(content);
  if (file.kind === "history") return parseHistory(file.timeline, text) === null ? "is not a timeline history" : null;
  return text.startsWith("START WAL LOCATION:") ? null : "is not a backup history file";
}

function keyOf(name: string): string {
  const key = walKey(name);
  if (key === null) throw new PgrescueError("usage", `${JSON.stringify(name)} is not the name of a WAL file`);
  return key;
}
