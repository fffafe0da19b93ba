import { addCrc32c, crc32cStart, finishCrc32c } from "./crc32c.ts";
import { isWanted, recordHeadSize } from "./record.ts";

/** A wanted record is gathered whole up to this size; PostgreSQL's transaction records are far smaller. */
const gatherLimit = 64 * 1024 * 1024;

/**
 * A record that is cut by page boundaries, put together piece by piece. What nobody wants is not kept: only its head
 * and its running checksum are.
 */
export class Assembly {
  readonly start: number;
  readonly total: number;
  readonly checksum: boolean;
  #have = 0;
  #bytes: Uint8Array;
  #wanted = false;
  #crc = crc32cStart;

  /** `start`: offset in its segment. `checksum`: also keep a checksum of what is not wanted. */
  constructor(start: number, total: number, checksum: boolean) {
    this.start = start;
    this.total = total;
    this.checksum = checksum;
    this.#bytes = new Uint8Array(recordHeadSize);
  }

  get missing(): number {
    return this.total - this.#have;
  }

  get isWanted(): boolean {
    return this.#wanted;
  }

  /** Whether the head is known already. */
  get hasHead(): boolean {
    return this.#have >= recordHeadSize;
  }

  /** Adds bytes [from, until) of `source`, at most what is missing. */
  add(source: Uint8Array, from: number, until: number): void {
    let at = from;
    if (this.#have < recordHeadSize) {
      const take = Math.min(recordHeadSize - this.#have, until - at);
      this.#bytes.set(source.subarray(at, at + take), this.#have);
      this.#have += take;
      at += take;
      if (this.#have === recordHeadSize) this.#decide();
    }
    if (at >= until) return;
    if (this.#wanted) this.#bytes.set(source.subarray(at, until), this.#have);
    if (this.checksum || this.#wanted) this.#crc = addCrc32c(this.#crc, source, at, until);
    this.#have += until - at;
  }

  /** The bytes from the head on: all of a wanted record, only the head of any other. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Whether the checksum fits; true for a record whose checksum was not kept. */
  isSound(): boolean {
    if (!this.checksum && !this.#wanted) return true;
    const crc = finishCrc32c(addCrc32c(this.#crc, this.#bytes, 0, 20));
    return crc === new DataView(this.#bytes.buffer).getUint32(20, true);
  }

  #decide(): void {
    const head = this.#bytes;
    this.#wanted = this.total <= gatherLimit && isWanted(head[17] ?? 0, head[16] ?? 0);
    if (!this.#wanted) return;
    this.#bytes = new Uint8Array(this.total);
    this.#bytes.set(head);
  }
}
