import { open } from "node:fs/promises";

const chunk = 256 * 1024;

/** Reads a growing text file line by line; a file that shrank (rotated, truncated) is read from its beginning again. */
export class LogTail {
  readonly #path: string;
  #offset: number;
  #rest = "";
  #last: string[] = [];

  constructor(path: string, offset: number) {
    this.#path = path;
    this.#offset = offset;
  }

  /** The last lines that were read, at most 15. */
  get lastLines(): readonly string[] {
    return this.#last;
  }

  /** Calls `onLine` for every complete line since the last call; false when there is no such file or it may not be read. */
  async read(onLine: (line: string) => void): Promise<boolean> {
    const handle = await open(this.#path, "r").catch(() => null);
    if (handle === null) return false;
    try {
      const { size } = await handle.stat();
      if (size < this.#offset) {
        this.#offset = 0;
        this.#rest = "";
      }
      const buffer = Buffer.alloc(Math.min(chunk, Math.max(1, size - this.#offset)));
      for (;;) {
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, this.#offset);
        if (bytesRead === 0) return true;
        this.#offset += bytesRead;
        // latin1 keeps every byte apart: a character may be cut between two chunks.
        const lines = (this.#rest + buffer.toString("latin1", 0, bytesRead)).split("\n");
        this.#rest = (lines.pop() ?? "").slice(-chunk);
        for (const line of lines) {
          const text = Buffer.from(line, "latin1").toString("utf8");
          this.#last = [...this.#last.slice(-14), text];
          onLine(text);
        }
      }
    } finally {
      await handle.close();
    }
  }
}
