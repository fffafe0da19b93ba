import { Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { messageOf, PgrescueError } from "../../../domain/errors.ts";
import { unlz4 } from "./lz4.ts";

/** How an object is compressed, by its first bytes: names lie. */
export type Wrapping = "none" | "gzip" | "zstd" | "lz4" | "bzip2" | "xz";

/** Tells the wrapping from an object's first bytes. */
export function wrappingOf(head: Uint8Array): Wrapping {
  const hex = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, 6)).toString("hex");
  if (hex.startsWith("1f8b")) return "gzip";
  if (hex.startsWith("28b52ffd")) return "zstd";
  if (hex.startsWith("04224d18")) return "lz4";
  if (hex.startsWith("425a68")) return "bzip2";
  if (hex.startsWith("fd377a585a00")) return "xz";
  return "none";
}

/** The content of an object as it comes. Throws `damaged-data` where it is cut off or broken, `precondition-refused` for what is not read. */
export async function* unwrap(
  chunks: AsyncIterable<Uint8Array>,
  wrapping: Wrapping,
  what: string,
): AsyncIterable<Uint8Array> {
  if (wrapping === "none") yield* chunks;
  else if (wrapping === "gzip") yield* gunzip(chunks, what);
  else if (wrapping === "zstd") yield* unzstd(chunks, what);
  else if (wrapping === "lz4") yield* unlz4(chunks, what);
  else
    throw new PgrescueError("precondition-refused", `${what} is compressed with ${wrapping}, which is not read here`, {
      next: `Decompress it by hand (${wrapping === "xz" ? "xz" : "bzip2"} -d) into a directory and use that as the repository.`,
    });
}

/** As much of the content as an object's first bytes give; cut off wherever they end. */
export async function unwrapHead(head: Uint8Array, wrapping: Wrapping): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  try {
    for await (const part of unwrap(only(head), wrapping, "")) parts.push(part);
  } catch (error) {
    // That it ends too early is in the nature of a head.
    if (!(error instanceof PgrescueError)) throw error;
  }
  return Buffer.concat(parts);
}

async function* gunzip(chunks: AsyncIterable<Uint8Array>, what: string): AsyncIterable<Uint8Array> {
  const unzip = createGunzip({ chunkSize: 256 * 1024 });
  const source = Readable.from(chunks);
  source.on("error", (error) => unzip.destroy(error));
  source.pipe(unzip);
  try {
    for await (const part of unzip) yield part as Buffer;
  } catch (error) {
    throw damaged(error, what);
  } finally {
    source.destroy();
    unzip.destroy();
  }
}

/** Frame after frame: node:zlib ends with the first one, and says how much of its input that took. */
async function* unzstd(chunks: AsyncIterable<Uint8Array>, what: string): AsyncIterable<Uint8Array> {
  const input = chunks[Symbol.asyncIterator]();
  for (let rest = await nextOf(input); rest !== null;) {
    const frame = createZstdDecompress({ chunkSize: 256 * 1024 });
    const feeding = feed(frame, rest, input);
    try {
      for await (const part of frame) yield part as Buffer;
    } catch (error) {
      throw damaged(error, what);
    } finally {
      frame.destroy();
    }
    const left: Uint8Array = await feeding;
    rest = left.length > 0 ? left : await nextOf(input);
  }
}

/** Gives a frame its input until it has ended; gives back what it did not take. */
async function feed(
  frame: ReturnType<typeof createZstdDecompress>,
  first: Uint8Array,
  input: AsyncIterator<Uint8Array>,
): Promise<Uint8Array> {
  const fed: { readonly start: number; readonly bytes: Uint8Array }[] = [];
  let length = 0;
  const hasEnded = (): boolean => frame.destroyed || frame.readableEnded;
  try {
    for (let chunk: Uint8Array | null = first; chunk !== null; chunk = await nextOf(input)) {
      fed.push({ start: length, bytes: chunk });
      length += chunk.length;
      if (hasEnded()) break;
      if (!frame.write(chunk)) await drained(frame);
      while (fed.length > 1 && (fed[0]?.start ?? 0) + (fed[0]?.bytes.length ?? 0) <= frame.bytesWritten) fed.shift();
      if (hasEnded()) break;
    }
    if (!hasEnded()) {
      frame.end();
      await new Promise<void>((done) => (hasEnded() ? done() : frame.once("close", done)));
    }
  } catch (error) {
    // The source failed: whoever reads the frame is told.
    frame.destroy(error as Error);
    return new Uint8Array();
  }
  const taken = frame.bytesWritten;
  return Buffer.concat(
    fed.flatMap(({ start, bytes }) =>
      start + bytes.length <= taken ? [] : [bytes.subarray(Math.max(0, taken - start))],
    ),
  );
}

function drained(frame: ReturnType<typeof createZstdDecompress>): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      frame.off("drain", done).off("close", done);
      resolve();
    };
    frame.on("drain", done).on("close", done);
  });
}

async function nextOf(input: AsyncIterator<Uint8Array>): Promise<Uint8Array | null> {
  for (;;) {
    const next = await input.next();
    if (next.done === true) return null;
    if (next.value.length > 0) return next.value;
  }
}

function damaged(error: unknown, what: string): unknown {
  if (error instanceof PgrescueError) return error;
  return new PgrescueError("damaged-data", `${what} cannot be decompressed: ${messageOf(error)}`, { cause: error });
}

async function* only(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(bytes);
}
