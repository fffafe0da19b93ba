import { hash } from "node:crypto";
import { availableParallelism } from "node:os";
import type { IndexFrame, IndexMember } from "./archive-index.ts";
import { indexWriter } from "./archive-index.ts";
import type { HashedObject, StoredObject } from "./hashed-object.ts";
import { compressFrame } from "./zstd-frames.ts";

/** Input of a frame, at the most. Large enough to compress well and read fast, small enough to fetch one table's part. */
export const frameSize = 8 * 1024 * 1024;

/** On database files within a few percent of level 3 in size, at two thirds of its time: the processor is what a backup waits for. */
const compressionLevel = 1;

/** Compresses frames in parallel and writes them in order; memory is bounded by the buffers it lends. */
export interface FramePipeline {
  /** A buffer of the frame size in shared memory to fill; waits while all are in use. Rejects once anything has failed. */
  take(): Promise<Uint8Array>;
  /** Hands over the first `length` bytes of a taken buffer, with the members that begin in them. Does not wait. */
  submit(buffer: Uint8Array, length: number, members: readonly IndexMember[]): void;
  /** Waits for everything and commits archive and index. */
  finish(): Promise<{ readonly archive: StoredObject; readonly index: StoredObject; readonly frames: number }>;
  /** Waits for what is under way and leaves nothing visible. */
  abort(): Promise<void>;
}

/** A pipeline into an archive's object and its index's object. `size` is smaller than `frameSize` in tests only. */
export function framePipeline(
  archive: HashedObject,
  indexObject: HashedObject,
  size: number = frameSize,
): FramePipeline {
  const index = indexWriter(indexObject);
  const free: Uint8Array[] = [];
  const waiting: (() => void)[] = [];
  let left = Math.min(availableParallelism() + 2, 8);
  let tail: Promise<void> = Promise.resolve();
  let frames = 0;
  let failure: { readonly error: unknown } | null = null;

  function release(buffer: Uint8Array): void {
    free.push(buffer);
    waiting.shift()?.();
  }

  async function take(): Promise<Uint8Array> {
    for (;;) {
      if (failure !== null) throw failure.error;
      const buffer = free.pop();
      if (buffer !== undefined) return buffer;
      if (left > 0) {
        left--;
        // Shared, so that another thread may fill it.
        return new Uint8Array(new SharedArrayBuffer(size));
      }
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  }

  async function write(
    before: Promise<void>,
    number: number,
    compressed: Promise<Uint8Array>,
    bytes: number,
    members: readonly IndexMember[],
  ): Promise<void> {
    const [content] = await Promise.all([compressed, before]);
    if (failure !== null) return;
    const frame: IndexFrame = {
      number,
      offset: archive.size,
      length: content.length,
      bytes,
      sha256: hash("sha256", content),
    };
    await archive.write(content);
    await index.add({ frame, members });
  }

  return {
    take,
    submit: (buffer, length, members) => {
      const compressed = compressFrame(buffer.subarray(0, length), compressionLevel);
      tail = write(tail, frames++, compressed, length, members)
        .catch((error: unknown) => {
          failure ??= { error };
        })
        // Only now: what waits for a slow store counts against the memory, too.
        .finally(() => release(buffer));
    },
    finish: async () => {
      await tail;
      if (failure !== null) throw failure.error;
      return { archive: await archive.commit(), index: await index.finish(), frames };
    },
    abort: async () => {
      failure ??= { error: new Error("aborted") };
      await tail;
      await Promise.all([archive.abort(), indexObject.abort()]);
    },
  };
}
