import { pieces } from "./pieces.ts";
import type { ObjectWriter } from "../../ports/object-store.ts";

/** How a store takes an object in parts; part numbers count from 1. */
export interface PartTarget<Part> {
  /** The whole object in one request, for small ones. */
  putWhole(bytes: Uint8Array): Promise<void>;
  begin(): Promise<void>;
  putPart(number: number, bytes: Uint8Array): Promise<Part>;
  /** Makes the object visible; `size` is its whole length. */
  complete(parts: readonly Part[], size: number): Promise<void>;
  /** Takes back what begin and putPart left. */
  abort(): Promise<void>;
}

const mebibyte = 1024 * 1024;
const firstSize = 8 * mebibyte;
/** Memory for parts under way; a single larger part is always let through. */
const inFlight = 32 * mebibyte;

/** Bytes of a part: doubled every 1500 parts, so that 10,000 of them (S3's limit) hold 1.5 TiB while small objects take little memory. */
function partSize(number: number): number {
  return firstSize * 2 ** Math.floor((number - 1) / 1500);
}

/** Streams an object into a store part by part, several at a time, in bounded memory. Nothing is visible before commit(). */
export function partWriter<Part>(target: PartTarget<Part>): ObjectWriter {
  const parts: Part[] = [];
  const running = new Set<Promise<void>>();
  const source = pieces();
  /** Buffers of parts that the store has: a next one is filled instead of left to the garbage collector. */
  let used: Uint8Array[] = [];
  let number = 1;
  let size = 0;
  let under = 0;
  let begun: Promise<void> | null = null;
  let failure: { readonly error: unknown } | null = null;
  let isOver = false;

  function check(): void {
    if (failure !== null) throw failure.error;
  }

  function hasRoom(length: number): boolean {
    return under + length <= inFlight;
  }

  async function put(at: number, bytes: Uint8Array): Promise<void> {
    try {
      parts[at - 1] = await target.putPart(at, bytes);
      used.push(bytes);
    } catch (error) {
      failure ??= { error };
    } finally {
      under -= bytes.length;
    }
  }

  /** Sends what is pending, or its first `length` bytes, as the next part; waits while too much is under way. */
  async function send(length: number): Promise<void> {
    begun ??= target.begin();
    await begun;
    while (running.size > 0 && !hasRoom(length)) await Promise.race(running);
    check();
    const at = number++;
    const bytes = source.take(length, used.pop());
    under += length;
    const task: Promise<void> = put(at, bytes).finally(() => running.delete(task));
    running.add(task);
  }

  return {
    write: async (chunk) => {
      check();
      source.add(chunk);
      size += chunk.length;
      while (source.length() >= partSize(number)) await send(partSize(number));
    },
    commit: async () => {
      check();
      if (begun === null) {
        await target.putWhole(source.take(size));
      } else {
        if (source.length() > 0) await send(source.length());
        await Promise.all(running);
        check();
        await target.complete(parts, size);
      }
      isOver = true;
    },
    abort: async () => {
      if (isOver) return;
      isOver = true;
      source.clear();
      used = [];
      failure ??= { error: new Error("the write was given up") };
      await Promise.all(running);
      if (begun === null) return;
      const isBegun = await begun.then(
        () => true,
        () => false,
      );
      if (isBegun) await target.abort();
    },
  };
}
