import { Worker } from "node:worker_threads";

/** Reads and hashes files beside the main thread, which is left to check pages and to hand frames on. One file at a time. */
export interface ReadThread {
  /**
   * Fills shared memory from `position` of an open file and shows each piece once, in order. Where the file ends early the
   * rest is zeros. Resolves, and only when it is done with the file, with how much there was. Rejects with a system error,
   * or with what `seen` has thrown.
   */
  read(fd: number, into: Uint8Array, position: number, seen: (piece: Uint8Array) => void): Promise<number>;
  /** SHA-256, in hex, of all that was given since the last read from position 0, zeros included. */
  digest(): Promise<string>;
  close(): Promise<void>;
}

/** Bytes that are read and handed on at a time. */
const piece = 512 * 1024;

/** What the thread runs: plain JavaScript that needs no file, wherever and however this program is bundled. */
const code = `
const { createHash } = require("node:crypto");
const { parentPort } = require("node:worker_threads");
const { readSync } = require("node:fs");
let hash = createHash("sha256");
function read({ fd, buffer, offset, length, position, piece }) {
  if (position === 0) hash = createHash("sha256");
  let shown = 0;
  let filled = 0;
  let ended = false;
  while (shown < length) {
    const into = new Uint8Array(buffer, offset + shown, Math.min(piece, length - shown));
    const count = ended ? 0 : readSync(fd, into, 0, into.length, position + shown);
    if (count === 0) { into.fill(0); ended = true; }
    filled += count;
    shown += ended ? into.length : count;
    // While it is in this processor's cache.
    hash.update(ended ? into : into.subarray(0, count));
    if (shown < length) parentPort.postMessage({ shown });
  }
  return { shown, filled };
}
parentPort.on("message", (asked) => {
  try {
    parentPort.postMessage({ ended: true, ...(asked.digest ? { digest: hash.digest("hex") } : read(asked)) });
  } catch (error) {
    parentPort.postMessage({ ended: true, error: { code: error.code, message: error.message } });
  }
});
`;

interface Answer {
  /** Bytes of the request that are there to be seen. */
  readonly shown?: number;
  readonly ended?: true;
  /** Of them, bytes that came from the file. */
  readonly filled?: number;
  readonly digest?: string;
  readonly error?: { readonly code: string | undefined; readonly message: string };
}

/** Starts the thread. One request at a time. */
export function startReadThread(): ReadThread {
  const worker = new Worker(code, { eval: true, name: "read", stdin: false });
  let answered: ((answer: Answer) => void) | null = null;
  let died: ((error: Error) => void) | null = null;
  worker.on("message", (answer: Answer) => answered?.(answer));
  worker.on("error", (error) => died?.(error as Error));
  worker.on("exit", () => died?.(new Error("the thread that reads files ended")));
  worker.unref();

  /** Resolves with the last answer; `each` is told all of them. */
  function ask(request: object, each: (answer: Answer) => void): Promise<Answer> {
    return new Promise((resolve, reject) => {
      let failure: { readonly error: unknown } | null = null;
      died = reject;
      answered = (answer) => {
        try {
          if (failure === null) each(answer);
        } catch (thrown) {
          // Not before the thread is done: the caller closes the file.
          failure = { error: thrown };
        }
        if (answer.ended === undefined) return;
        worker.unref();
        if (failure !== null) reject(failure.error);
        else if (answer.error === undefined) resolve(answer);
        else reject(Object.assign(new Error(answer.error.message), { code: answer.error.code }));
      };
      worker.ref();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      worker.postMessage(request);
    });
  }

  return {
    read: async (fd, into, position, seen) => {
      let seenBytes = 0;
      const { buffer, byteOffset: offset, length } = into;
      const { filled = 0 } = await ask({ fd, buffer, offset, length, position, piece }, ({ shown = 0 }) => {
        if (shown > seenBytes) seen(into.subarray(seenBytes, shown));
        seenBytes = Math.max(seenBytes, shown);
      });
      return filled;
    },
    digest: async () => (await ask({ digest: true }, () => undefined)).digest ?? "",
    close: async () => {
      await worker.terminate();
    },
  };
}
