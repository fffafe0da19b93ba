import { Worker } from "node:worker_threads";

/** Reads files beside the main thread, so that a disk that lets us wait does not keep it from hashing and writing. */
export interface ReadThread {
  /**
   * Fills shared memory from `position` of an open file and shows each piece once, in order; resolves with how much there
   * was, and only when it is done with the file. Rejects with a system error, or with what `seen` has thrown.
   */
  read(fd: number, into: Uint8Array, position: number, seen: (piece: Uint8Array) => void): Promise<number>;
  close(): Promise<void>;
}

/** Bytes that are read and handed on at a time. */
const piece = 512 * 1024;

/** What the thread runs: plain JavaScript that needs no file, wherever and however this program is bundled. */
const code = `
const { parentPort } = require("node:worker_threads");
const { readSync } = require("node:fs");
parentPort.on("message", ({ fd, buffer, offset, length, position, piece }) => {
  let filled = 0;
  try {
    for (let from = 0; filled < length; from = filled) {
      const into = new Uint8Array(buffer, offset + from, Math.min(piece, length - from));
      const count = readSync(fd, into, 0, into.length, position + from);
      if (count === 0) break;
      filled += count;
      if (filled < length) parentPort.postMessage({ filled });
    }
    parentPort.postMessage({ filled, ended: true });
  } catch (error) {
    parentPort.postMessage({ filled, ended: true, error: { code: error.code, message: error.message } });
  }
});
`;

interface Answer {
  readonly filled: number;
  readonly ended?: true;
  readonly error?: { readonly code: string | undefined; readonly message: string };
}

/** Starts the thread. One read at a time. */
export function startReadThread(): ReadThread {
  const worker = new Worker(code, { eval: true, name: "read", stdin: false });
  let answered: ((answer: Answer) => void) | null = null;
  let died: ((error: Error) => void) | null = null;
  worker.on("message", (answer: Answer) => answered?.(answer));
  worker.on("error", (error) => died?.(error as Error));
  worker.on("exit", () => died?.(new Error("the thread that reads files ended")));
  worker.unref();

  return {
    read: (fd, into, position, seen) =>
      new Promise((resolve, reject) => {
        let shown = 0;
        let failure: { readonly error: unknown } | null = null;
        died = reject;
        answered = ({ filled, ended, error }) => {
          try {
            if (failure === null && filled > shown) seen(into.subarray(shown, filled));
          } catch (thrown) {
            // Not before the thread is done: the caller closes the file.
            failure = { error: thrown };
          }
          shown = filled;
          if (ended === undefined) return;
          worker.unref();
          if (failure !== null) reject(failure.error);
          else if (error === undefined) resolve(filled);
          else reject(Object.assign(new Error(error.message), { code: error.code }));
        };
        worker.ref();
        const { buffer, byteOffset: offset, length } = into;
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
        worker.postMessage({ fd, buffer, offset, length, position, piece });
      }),
    close: async () => {
      await worker.terminate();
    },
  };
}
