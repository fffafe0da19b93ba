import { setTimeout as delay } from "node:timers/promises";
import { PgrescueError } from "../../domain/errors.ts";
import type { ByteRange } from "../../ports/object-store.ts";

const partLength = 8 * 1024 * 1024;
const ahead = 5;

/** Reads a range in parts, several at a time, and gives them in order. `fetch` must give exactly what it is asked for. */
export async function* readInParts(
  range: ByteRange,
  fetch: (part: ByteRange) => Promise<Uint8Array>,
): AsyncIterable<Uint8Array> {
  const waiting: Promise<Uint8Array>[] = [];
  const end = range.offset + range.length;
  let next = range.offset;
  try {
    while (next < end || waiting.length > 0) {
      while (next < end && waiting.length < ahead) {
        const length = Math.min(partLength, end - next);
        const part = fetch({ offset: next, length });
        // Awaited below, in order; until then a failure must not count as unhandled.
        part.catch(() => undefined);
        waiting.push(part);
        next += length;
      }
      const part = await waiting.shift();
      if (part !== undefined) yield part;
    }
  } finally {
    await Promise.allSettled(waiting);
  }
}

/**
 * The body of an answer that announced `length` bytes, in a buffer of its own: pieces and their copy side by side would take
 * twice the memory. Gives what came, which is less where the answer broke off; what is too much is dropped.
 */
export async function bodyOf(pieces: AsyncIterable<unknown> | undefined, length: number): Promise<Uint8Array> {
  const body = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  for await (const piece of (pieces ?? []) as AsyncIterable<Uint8Array>) {
    body.set(piece.subarray(0, length - filled), filled);
    filled = Math.min(length, filled + piece.length);
  }
  return filled === length ? body : body.subarray(0, filled);
}

/**
 * Repeats a request whose answer's body broke off: SDKs repeat requests, but not once an answer has begun. `work` throws
 * `store-failure` for what may be repeated.
 */
export async function repeating<T>(work: () => Promise<T>, attempts = 4): Promise<T> {
  for (let failed = 1; ; failed++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof PgrescueError) || error.code !== "store-failure" || failed >= attempts) throw error;
      await delay(250 * 2 ** (failed - 1));
    }
  }
}
