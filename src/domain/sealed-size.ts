/** The payload of an age file (C2SP age, "Payload"): chunks of 64 KiB, each with an authentication tag of 16 bytes behind it. */
export const plainChunk = 64 * 1024;
const tag = 16;
export const sealedChunk = plainChunk + tag;

/** Bytes of the content of a payload of `sealed` bytes; null where no payload has that size. */
export function plainSize(sealed: number): number | null {
  const chunks = Math.ceil(sealed / sealedChunk);
  const plain = sealed - chunks * tag;
  // Only the only chunk may be empty.
  return chunks === 0 || plain < 0 || (chunks > 1 && plain <= (chunks - 1) * plainChunk) ? null : plain;
}

/** The chunks that hold a range of the content. */
export interface ChunkSpan {
  readonly first: number;
  /** Included. */
  readonly last: number;
  /** Where the range begins in the content of these chunks. */
  readonly skip: number;
}

/** Which chunks hold `length` bytes from `offset` on; `length` is at least 1. */
export function chunksOf(offset: number, length: number): ChunkSpan {
  const first = Math.floor(offset / plainChunk);
  return { first, last: Math.floor((offset + length - 1) / plainChunk), skip: offset - first * plainChunk };
}
