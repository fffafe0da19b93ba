import { releaseBytes } from "../system/release-bytes.ts";

/** Chunks in order, from which parts are cut. They are the queue's own: their memory goes back once they are copied. */
export interface Pieces {
  add(chunk: Uint8Array): void;
  length(): number;
  /** The first `length` bytes in a buffer of exactly that size: `into` where it fits. */
  take(length: number, into?: Uint8Array): Uint8Array;
  clear(): void;
}

/** An empty queue. */
export function pieces(): Pieces {
  let waiting: Uint8Array[] = [];
  /** Bytes of the first one that were taken. */
  let taken = 0;
  let length = 0;

  return {
    add: (chunk) => {
      waiting.push(chunk);
      length += chunk.length;
    },
    length: () => length,
    take: (wanted, into) => {
      length -= wanted;
      const [only] = waiting;
      if (only !== undefined && taken === 0 && only.length === wanted) {
        waiting.shift();
        return only;
      }
      const bytes = into?.length === wanted ? into : Buffer.allocUnsafeSlow(wanted);
      let [filled, at] = [0, 0];
      for (const chunk of waiting) {
        const piece = chunk.subarray(taken, taken + wanted - filled);
        bytes.set(piece, filled);
        filled += piece.length;
        taken += piece.length;
        if (taken < chunk.length) break;
        at++;
        taken = 0;
        releaseBytes(chunk);
      }
      waiting = waiting.slice(at);
      return bytes;
    },
    clear: () => {
      [waiting, taken, length] = [[], 0, 0];
    },
  };
}
