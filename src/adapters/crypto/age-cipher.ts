import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { Decrypter, Encrypter } from "age-encryption";
import { PgrescueError } from "../../domain/errors.ts";
import { sealedChunk } from "../../domain/sealed-size.ts";
import type { Secret } from "../../domain/secret.ts";
import type { Cipher, Opening, Sealing } from "../../ports/cipher.ts";

const nonceLength = 16;
const tagLength = 16;
const version = "age-encryption.org/v1\n";

/**
 * age v1 (C2SP age): keys and header by the age package, the payload by OpenSSL, which is many times as fast. `identities`
 * is asked once, when something is read for the first time.
 */
export function ageCipher(recipients: readonly string[], identities: () => Promise<readonly Secret[]>): Cipher {
  let reading: Promise<Decrypter> | null = null;
  return {
    recipients,
    seal: () => seal(recipients),
    open: async (head, what) => {
      reading ??= decrypterOf(recipients, identities).catch((error: unknown) => {
        reading = null;
        throw error;
      });
      return openHead(head, await reading, recipients, what);
    },
  };
}

async function decrypterOf(
  recipients: readonly string[],
  identities: () => Promise<readonly Secret[]>,
): Promise<Decrypter> {
  const found = await identities();
  if (found.length === 0)
    throw new PgrescueError("credentials", "the repository is encrypted, and no key is at hand", {
      means: "Nothing was changed; nothing can be read without a key of one of its recipients.",
      next: `Name the file with --identity FILE, PGRESCUE_IDENTITY, or encryption.identityFile. ${recipientsInWords(recipients)}`,
    });
  const decrypter = new Decrypter();
  for (const identity of found) {
    try {
      decrypter.addIdentity(identity.reveal());
    } catch {
      // What the package says of a bad one may quote it.
      throw new PgrescueError("credentials", "an identity is not an age key that can be read", {
        next: "Identities are lines that begin with AGE-SECRET-KEY-1; `pgrescue generate keys` makes one.",
      });
    }
  }
  return decrypter;
}

async function seal(recipients: readonly string[]): Promise<Sealing> {
  const encrypter = new Encrypter();
  let fileKey: Uint8Array | null = null;
  // No recipient at all: it only takes down the key that the package has drawn, for the payload that is made here.
  encrypter.addRecipient({
    wrapFileKey: (key) => {
      fileKey = Uint8Array.from(key);
      return [];
    },
  });
  for (const recipient of recipients) {
    try {
      encrypter.addRecipient(recipient);
    } catch {
      throw new PgrescueError("config", `${JSON.stringify(recipient)} is not an age recipient`, {
        next: "Recipients begin with age1; `pgrescue generate keys` makes a pair.",
      });
    }
  }
  const empty = await encrypter.encrypt(new Uint8Array());
  if (fileKey === null) throw new PgrescueError("bug", "the age package gave no file key");
  const header = empty.subarray(0, empty.length - nonceLength - tagLength);
  const nonce = randomBytes(nonceLength);
  const key = payloadKey(fileKey, nonce);
  let number = 0;
  return {
    header: Buffer.concat([header, nonce]),
    chunk: (plain, isLast) => {
      const cipher = createCipheriv("chacha20-poly1305", key, chunkNonce(number++, isLast), {
        authTagLength: tagLength,
      });
      return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
  };
}

async function openHead(
  head: Uint8Array,
  decrypter: Decrypter,
  recipients: readonly string[],
  what: string,
): Promise<Opening> {
  const length = headerLength(head);
  if (length === null || head.length < length + nonceLength)
    throw new PgrescueError("damaged-data", `${what} is not an age file`);
  const fileKey = await decrypter.decryptHeader(head.subarray(0, length)).catch((error: unknown) => {
    throw openFailure(error, recipients, what);
  });
  const key = payloadKey(fileKey, head.subarray(length, length + nonceLength));
  return {
    start: length + nonceLength,
    chunk: (number, sealed, isLast) => {
      const damaged = (): PgrescueError =>
        new PgrescueError("damaged-data", `${what} is not what was written: chunk ${number} does not decrypt`);
      if (sealed.length < tagLength || sealed.length > sealedChunk) throw damaged();
      const decipher = createDecipheriv("chacha20-poly1305", key, chunkNonce(number, isLast), {
        authTagLength: tagLength,
      });
      decipher.setAuthTag(sealed.subarray(sealed.length - tagLength));
      const plain = decipher.update(sealed.subarray(0, sealed.length - tagLength));
      try {
        decipher.final();
      } catch {
        throw damaged();
      }
      return plain;
    },
  };
}

function openFailure(error: unknown, recipients: readonly string[], what: string): PgrescueError {
  const message = error instanceof Error ? error.message : "";
  if (/no identity matched/i.test(message))
    return new PgrescueError("credentials", `${what} is encrypted to other keys than the ones at hand`, {
      next: `Bring the identity of one of its recipients. ${recipientsInWords(recipients)}`,
    });
  return new PgrescueError("damaged-data", `the header of ${what} is not what was written`);
}

function recipientsInWords(recipients: readonly string[]): string {
  return recipients.length === 0 ? "" : `The repository names ${recipients.join(", ")}.`;
}

function payloadKey(fileKey: Uint8Array, nonce: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", fileKey, nonce, "payload", 32));
}

/** An 11-byte counter, big-endian, and 1 behind it for the last chunk. */
function chunkNonce(number: number, isLast: boolean): Uint8Array {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(number, 5, 6);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

/** Bytes of the header up to its MAC line's end; null where that is not in `head`. */
function headerLength(head: Uint8Array): number | null {
  const text = Buffer.from(head.buffer, head.byteOffset, head.length).toString("latin1");
  if (!text.startsWith(version)) return null;
  const mac = text.indexOf("\n--- ");
  const end = mac === -1 ? -1 : text.indexOf("\n", mac + 1);
  return end === -1 ? null : end + 1;
}
