import { open } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { isPageIntact, pageHeader, pageSize, pageWords } from "./page-checksum.ts";

/** A page whose checksum is wrong. `lsn`: what its header says; a page written during the backup is repaired by replay. */
export interface BadPage {
  readonly block: number;
  readonly lsn: bigint;
}

/** Single pages are looked at again at most this often per file: a file that is bad all over needs no more proof. */
const rereadLimit = 128;

/**
 * Checks the pages of one relation file as its bytes pass by, in pieces of any size. Finds suspects only: a page may have
 * been written while it was read, so `confirm` looks again.
 */
export class PageVerifier {
  readonly #firstBlock: number;
  readonly #carry = new Uint8Array(pageSize);
  readonly #carryWords = new Int32Array(this.#carry.buffer);
  #carried = 0;
  #block = 0;
  readonly #suspects: number[] = [];
  #suspectCount = 0;

  /** `firstBlock`: number of the file's first block in its relation fork. */
  constructor(firstBlock: number) {
    this.#firstBlock = firstBlock;
  }

  /** How many pages were not as their checksum says. */
  get suspects(): number {
    return this.#suspectCount;
  }

  /** Suspects beyond what `confirm` looks at again: nothing can be said of them. */
  get unjudged(): number {
    return this.#suspectCount - this.#suspects.length;
  }

  /** Takes the next bytes of the file. A last piece of a page is not judged: the server is still extending the file. */
  feed(bytes: Uint8Array): void {
    let at = 0;
    if (this.#carried > 0) {
      at = Math.min(pageSize - this.#carried, bytes.length);
      this.#carry.set(bytes.subarray(0, at), this.#carried);
      this.#carried += at;
      if (this.#carried < pageSize) return;
      this.#carried = 0;
      this.#judge(this.#carryWords, 0);
    }
    const whole = Math.floor((bytes.length - at) / pageSize);
    if ((bytes.byteOffset + at) % 4 === 0) {
      const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, whole * pageWords);
      for (let page = 0; page < whole; page++) this.#judge(words, page * pageWords);
    } else {
      for (let page = 0; page < whole; page++) {
        this.#carry.set(bytes.subarray(at + page * pageSize, at + (page + 1) * pageSize));
        this.#judge(this.#carryWords, 0);
      }
    }
    at += whole * pageSize;
    this.#carry.set(bytes.subarray(at));
    this.#carried = bytes.length - at;
  }

  #judge(words: Int32Array, at: number): void {
    const block = this.#block++;
    if (isPageIntact(words, at, this.#firstBlock + block)) return;
    this.#suspectCount += 1;
    if (this.#suspects.length < rereadLimit) this.#suspects.push(block);
  }

  /** Reads the suspects again, a moment later, and says which are still wrong. Pages that are gone by now are no failure. */
  async confirm(path: string): Promise<readonly BadPage[]> {
    if (this.#suspects.length === 0) return [];
    let left: readonly BadPage[] = this.#suspects.map((block) => ({ block, lsn: 0n }));
    for (const wait of [20, 200]) {
      await delay(wait);
      left = await stillBad(path, left, this.#firstBlock);
      if (left.length === 0) break;
    }
    return left;
  }
}

async function stillBad(path: string, suspects: readonly BadPage[], firstBlock: number): Promise<BadPage[]> {
  const page = new Uint8Array(pageSize);
  const words = new Int32Array(page.buffer);
  const bad: BadPage[] = [];
  let handle;
  try {
    handle = await open(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  try {
    for (const { block } of suspects) {
      const { bytesRead } = await handle.read(page, 0, pageSize, block * pageSize);
      if (bytesRead === pageSize && !isPageIntact(words, 0, firstBlock + block))
        bad.push({ block, lsn: pageHeader(words, 0).lsn });
    }
  } finally {
    await handle.close();
  }
  return bad;
}
