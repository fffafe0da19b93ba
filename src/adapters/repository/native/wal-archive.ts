import { createHash, createHmac, hash, randomBytes } from "node:crypto";
import { PgrescueError } from "../../../domain/errors.ts";
import { parseWalFileName } from "../../../domain/segment.ts";
import { parseHistory } from "../../../domain/timeline.ts";
import { faultOfSegment } from "../../../domain/wal-header.ts";
import type { Cipher } from "../../../ports/cipher.ts";
import type { Metadata, ObjectStore } from "../../../ports/object-store.ts";
import type { WalArchive } from "../../../ports/repository.ts";
import { readInventory } from "./wal-inventory.ts";
import { sealBytes, sealedSuffix, unsealBytes } from "./sealed-store.ts";
import { isCompressed, walKey } from "./wal-keys.ts";
import { compressFrames, decompressFrames } from "./wal-zstd.ts";

export interface WalArchiveOptions {
  readonly store: ObjectStore;
  /** `<cluster>/<system identifier>/wal/`, with the slash at its end. */
  readonly prefix: string;
  readonly systemIdentifier: string;
  /** null: new files are not encrypted, and encrypted ones cannot be read. */
  readonly cipher?: Cipher | null;
}

/** PostgreSQL's largest segment size; history and .backup files are far smaller. */
const largestFile = 1024 * 1024 * 1024;

/** The WAL of one system in the native format (docs/repository-format.md). Opening touches nothing. */
export function openWalArchive({ store, prefix, systemIdentifier, cipher = null }: WalArchiveOptions): WalArchive {
  /** Compressed files are encrypted where anything is; histories and .backup files name nothing of the user's. */
  const sealedKey = (name: string): string | null =>
    isCompressed(keyOf(name)) ? prefix + keyOf(name) + sealedSuffix : null;
  const keysOf = (name: string): readonly string[] => {
    const [plain, sealed] = [prefix + keyOf(name), sealedKey(name)];
    return sealed === null ? [plain] : cipher === null ? [plain, sealed] : [sealed, plain];
  };

  const fetchParts = async (name: string): Promise<readonly Uint8Array[] | null> => {
    for (const key of keysOf(name)) {
      const parts = await fetchFrom(name, key);
      if (parts !== null) return parts;
    }
    return null;
  };

  const fetchFrom = async (name: string, key: string): Promise<readonly Uint8Array[] | null> => {
    const [stored, info] = await Promise.all([store.get(key), store.head(key)]);
    if (stored === null) return null;
    try {
      return await verified(name, await unsealed(key, stored), info?.metadata ?? {}, systemIdentifier);
    } catch (error) {
      if (!(error instanceof PgrescueError) || error.code !== "damaged-data") throw error;
      throw new PgrescueError("damaged-data", `${name} in ${store.url} is damaged: ${error.message}`, { cause: error });
    }
  };

  /** The stored bytes, and what they are when decrypted. */
  const unsealed = async (key: string, stored: Uint8Array): Promise<StoredWal> => {
    if (!key.endsWith(sealedSuffix)) return { stored, plain: stored };
    if (cipher === null)
      throw new PgrescueError("credentials", `${key} in ${store.url} is encrypted, and no key is at hand`, {
        next: "Name the identity file with --identity FILE, PGRESCUE_IDENTITY, or encryption.identityFile.",
      });
    return { stored, plain: await unsealBytes(cipher, stored, key) };
  };

  const fetch = async (name: string): Promise<Uint8Array | null> => {
    const parts = await fetchParts(name);
    return parts === null ? null : joined(parts);
  };

  const sameAsStored = async (name: string, key: string, content: Uint8Array): Promise<boolean> => {
    const sha256 = hash("sha256", content);
    const known = (await store.head(key))?.metadata ?? {};
    // Who archives cannot read what is encrypted: the salted hash has to do.
    if (key.endsWith(sealedSuffix)) return known["salted"] === saltedHash(known["salt"] ?? "", sha256);
    if (known["sha256"] !== undefined && known["sha256"] !== sha256) return false;
    // What the metadata says is not enough: the caller forgets its copy, so the stored one must be readable and the same.
    const there = await fetch(name);
    return there !== null && hash("sha256", there) === sha256;
  };

  return {
    inventory: () => readInventory({ store, prefix, systemIdentifier, fetch }),
    fetch,
    fetchParts,
    has: async (name) => {
      for (const key of keysOf(name)) if ((await store.head(key)) !== null) return true;
      return false;
    },
    store: async (name, content) => {
      const sealed = cipher === null ? null : sealedKey(name);
      const key = sealed ?? prefix + keyOf(name);
      const fault = faultOf(name, content, systemIdentifier);
      if (fault !== null) {
        throw new PgrescueError("precondition-refused", `refused to store ${name}: it ${fault}`, {
          means: "The file was not stored; PostgreSQL keeps it and tries again.",
          next: "Check that this server archives into the repository of its own cluster; after pg_upgrade or initdb the system identifier is a new one.",
        });
      }
      const { bytes, sha256, storedSha256 } = await prepareWal(name, content);
      const size = String(content.length);
      const stored =
        cipher === null || sealed === null
          ? { bytes, metadata: { sha256, storedSha256, size } }
          : await sealedWal(cipher, bytes, sha256, size);
      if ((await store.put(key, stored.bytes, { ifAbsent: true, metadata: stored.metadata })) === "stored")
        return "stored";
      if (await sameAsStored(name, key, content)) return "already-there";
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

/** An object as it lies in the store, and what it is when decrypted. */
interface StoredWal {
  readonly stored: Uint8Array;
  readonly plain: Uint8Array;
}

/** The plain content's hash would tell whoever has a file whether it is this one, and equal files from each other: it is salted. */
async function sealedWal(
  cipher: Cipher,
  bytes: Uint8Array,
  sha256: string,
  size: string,
): Promise<{ readonly bytes: Uint8Array; readonly metadata: Metadata }> {
  const sealed = await sealBytes(cipher, bytes);
  const salt = randomBytes(16).toString("hex");
  return {
    bytes: sealed,
    metadata: { salt, salted: saltedHash(salt, sha256), storedSha256: hash("sha256", sealed), size },
  };
}

function saltedHash(salt: string, sha256: string): string {
  return createHmac("sha256", salt).update(sha256).digest("hex");
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
  { stored, plain }: StoredWal,
  metadata: Metadata,
  systemIdentifier: string,
): Promise<readonly Uint8Array[]> {
  const size = metadata["size"] === undefined ? null : Number(metadata["size"]);
  const compressed = isCompressed(keyOf(name));
  const limit = Math.min(size ?? largestFile, largestFile);
  // Bytes that are as they were written, and frames that check what comes out of them: hashing the content, which is
  // many times as long, would prove nothing more.
  // Some stores give the names of metadata in lower case only.
  const recorded = metadata["storedSha256"] ?? metadata["storedsha256"];
  const asWritten = compressed && recorded === hash("sha256", stored);
  const hasher = createHash("sha256");
  const { parts, length, checked } = compressed
    ? await decompressFrames(plain, limit, asWritten ? undefined : hasher)
    : { parts: [plain], length: plain.length, checked: false };
  if (!compressed) hasher.update(plain);
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
