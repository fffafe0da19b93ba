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
  let pending: Uint8Array[] = [];
  let pendingLength = 0;
  let number = 1;
  let size = 0;
  let under = 0;
  let begun: Promise<void> | null = null;
  let failure: { readonly error: unknown } | null = null;
  let isOver = false;

  function check(): void {
    if (failure !== null) throw failure.error;
  }

  /** Sends what is pending, or its first `length` bytes, as the next part; waits while too much is under way. */
  async function send(length: number): Promise<void> {
    const bytes = take(length);
    begun ??= target.begin();
    await begun;
    while (running.size > 0 && under + bytes.length > inFlight) await Promise.race(running);
    check();
    const at = number++;
    under += bytes.length;
    const task: Promise<void> = target
      .putPart(at, bytes)
      .then((part) => void (parts[at - 1] = part))
      .catch((error: unknown) => void (failure ??= { error }))
      .finally(() => {
        under -= bytes.length;
        running.delete(task);
      });
    running.add(task);
  }

  function take(length: number): Uint8Array {
    const all = pending.length === 1 && pending[0] !== undefined ? pending[0] : Buffer.concat(pending, pendingLength);
    const rest = all.subarray(length);
    pending = rest.length === 0 ? [] : [rest];
    pendingLength = rest.length;
    return all.subarray(0, length);
  }

  return {
    write: async (chunk) => {
      check();
      pending.push(chunk);
      pendingLength += chunk.length;
      size += chunk.length;
      while (pendingLength >= partSize(number)) await send(partSize(number));
    },
    commit: async () => {
      check();
      if (begun === null) {
        await target.putWhole(take(pendingLength));
      } else {
        if (pendingLength > 0) await send(pendingLength);
        await Promise.all(running);
        check();
        await target.complete(parts, size);
      }
      isOver = true;
    },
    abort: async () => {
      if (isOver) return;
      isOver = true;
      pending = [];
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
