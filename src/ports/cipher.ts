/**
 * Encrypts to recipients and decrypts with identities, a chunk at a time (domain/sealed-size.ts), so that objects are
 * streamed and read in part. Writing needs recipients only.
 */
export interface Cipher {
  /** Public keys that new objects are encrypted to. */
  readonly recipients: readonly string[];
  /** Begins a new object, with a key of its own. */
  seal(): Promise<Sealing>;
  /**
   * Opens a stored object by its first bytes (`headLength` of them, or all there are). Throws `credentials` where no identity at hand
   * opens it, and `damaged-data` where it is none.
   */
  open(head: Uint8Array, what: string): Promise<Opening>;
}

/** Bytes at an object's beginning that are enough to open it. */
export const headLength = 16 * 1024;

export interface Sealing {
  /** What the object begins with. */
  readonly header: Uint8Array;
  /** The next chunk of the payload; all but the last are of full size. */
  chunk(plain: Uint8Array, isLast: boolean): Uint8Array;
}

export interface Opening {
  /** Where the payload begins in the object. */
  readonly start: number;
  /** The content of the chunk of that number. Throws `damaged-data` where it is not what was written. */
  chunk(number: number, sealed: Uint8Array, isLast: boolean): Uint8Array;
}

/** Makes the cipher of a repository from the recipients that the repository names. Throws `config` where others are configured. */
export type CipherFor = (recipients: readonly string[]) => Cipher;
