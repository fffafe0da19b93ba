import type { Duplex } from "node:stream";
import { messageOf, PgrescueError } from "../../../domain/errors.ts";

/** Beyond so many unread bytes the socket is paused, below so many it flows again. */
const high = 2 * 1024 * 1024;
const low = 512 * 1024;

/** A message of PostgreSQL's protocol, by its type letter; `length` bytes of body follow. */
export interface MessageHead {
  readonly type: string;
  readonly length: number;
}

/**
 * Reads the server's messages from a socket that nobody else reads (manual, 55.7). Bulk data is copied once, from the
 * socket's buffers to where it shall go. Throws `external-failure` when the connection ends or is destroyed.
 */
export class ProtocolReader {
  readonly #socket: Duplex;
  readonly #chunks: Buffer[] = [];
  #at = 0;
  #queued = 0;
  #failure: PgrescueError | null = null;
  #wake: (() => void) | null = null;

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#queued += chunk.length;
      if (this.#queued > high) socket.pause();
      this.#wake?.();
    });
    socket.on("error", (error) => this.#fail(`the replication connection failed: ${messageOf(error)}`, error));
    socket.on("close", () => this.#fail("the server closed the replication connection"));
    socket.resume();
  }

  #fail(message: string, cause?: unknown): void {
    this.#failure ??= new PgrescueError("external-failure", message, {
      cause,
      next: "Look into the server's log, then take the backup again.",
    });
    this.#wake?.();
  }

  /** The next message's head; its body must be read whole before the next call. */
  async head(): Promise<MessageHead> {
    const bytes = await this.body(5);
    const length = bytes.readUInt32BE(1) - 4;
    if (length < 0) throw new PgrescueError("external-failure", "the server sent a message of negative length");
    return { type: String.fromCharCode(bytes[0] ?? 0), length };
  }

  /** The next `length` bytes, for small bodies. */
  async body(length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(length);
    for (let filled = 0; filled < length;) filled += await this.into(bytes.subarray(filled));
    return bytes;
  }

  /** Copies at least one byte and at most `into.length`; returns how many. */
  async into(into: Uint8Array): Promise<number> {
    while (this.#queued === 0) {
      if (this.#failure !== null) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
    let copied = 0;
    for (let first = this.#chunks[0]; first !== undefined && copied < into.length; first = this.#chunks[0]) {
      const count = Math.min(into.length - copied, first.length - this.#at);
      into.set(count === first.length ? first : first.subarray(this.#at, this.#at + count), copied);
      copied += count;
      this.#at += count;
      if (this.#at < first.length) break;
      this.#chunks.shift();
      this.#at = 0;
      release(first);
    }
    this.#queued -= copied;
    if (this.#queued < low && this.#socket.isPaused()) this.#socket.resume();
    return copied;
  }
}

/**
 * Gives a read chunk's memory back at once: the collector would let tens of megabytes of them pile up. Only where the
 * chunk is the whole of its ArrayBuffer; small ones share a pool.
 */
function release(chunk: Buffer): void {
  const { buffer } = chunk;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === chunk.byteLength && chunk.byteLength > 16_384)
    buffer.transfer(0);
}
