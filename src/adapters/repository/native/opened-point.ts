import { PgrescueError } from "../../../domain/errors.ts";
import type { RecoveryPoint } from "../../../domain/recovery-point.ts";
import type { Cipher } from "../../../ports/cipher.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import type { Progress } from "../../../ports/progress.ts";
import type { StoredObject } from "./hashed-object.ts";
import { reporting } from "./progress-stream.ts";
import { sealedContent, sealedSuffix, unsealBytes, type ContentStore } from "./sealed-store.ts";
import { readVerified, verifyObject } from "./stored-objects.ts";
import { decompressFrames } from "./zstd-frames.ts";

/** What the commit documents of all kinds say of the objects. */
interface Listed {
  readonly encryption: object | null;
  readonly storedBytes: number;
  readonly objects: readonly StoredObject[];
}

/** The objects of a committed point, as they were before compression and encryption. */
export interface OpenedPoint {
  /** By names without the suffix of encrypted objects. */
  readonly contents: ContentStore;
  /** What encrypted objects' names end in; "" where nothing is encrypted. */
  readonly suffix: string;
  /** The content of a small compressed object; null when it has none of the name. */
  readonly content: (name: string) => Promise<Uint8Array | null>;
  /** Reads every object and compares it with the document; throws `damaged-data` naming the first bad one. */
  readonly verify: (signal: AbortSignal) => AsyncIterable<Progress>;
}

/** Opens the objects that a commit document lists. A missing key is noticed when something encrypted is read. */
export function openPoint(
  store: ObjectStore,
  folder: string,
  point: RecoveryPoint,
  document: Listed,
  cipher: Cipher | null,
): OpenedPoint {
  const suffix = document.encryption === null ? "" : sealedSuffix;
  const sealed = document.encryption === null ? null : (cipher ?? noKey(point));
  return {
    suffix,
    contents: sealed === null ? store : sealedContent(store, sealed),
    content: async (name) => {
      const object = document.objects.find((candidate) => candidate.name === name + suffix);
      if (object === undefined) return null;
      const bytes = await readVerified(store, folder, object);
      const stored = sealed === null ? bytes : await unsealBytes(sealed, bytes, folder + object.name);
      const parts: Uint8Array[] = [];
      for await (const part of decompressFrames(one(stored), folder + name)) parts.push(part);
      return Buffer.concat(parts);
    },
    verify: (signal) =>
      reporting(signal, async (report, stop) => {
        let done = 0;
        for (const object of document.objects) {
          await verifyObject(store, folder, object, (read) => {
            stop.throwIfAborted();
            report({
              done: (done += read),
              total: document.storedBytes,
              unit: "bytes",
              doing: `reading ${object.name}`,
            });
          });
        }
      }),
  };
}

/** Who opens a repository without anything to decrypt with can still list and verify it. */
function noKey(point: RecoveryPoint): Cipher {
  const refuse = (): never => {
    throw new PgrescueError("credentials", `backup ${point.id} is encrypted, and no key is at hand`, {
      next: "Name the identity file with --identity FILE, PGRESCUE_IDENTITY, or encryption.identityFile.",
    });
  };
  return { recipients: [], seal: refuse, open: refuse };
}

async function* one(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(bytes);
}
