import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress, type ZstdOptions } from "node:zlib";
import { PgrescueError } from "../../../domain/errors.ts";
import { fitBytes } from "../../system/release-bytes.ts";

const compressAsync = promisify<Uint8Array, ZstdOptions, Buffer>(zstdCompress);
const decompressAsync = promisify<Uint8Array, ZstdOptions, Buffer>(zstdDecompress);

/** What a zstd frame begins with, little-endian. */
const magic = 0xfd2fb528;
/** Skippable frames begin with 0x184D2A50 to 0x184D2A5F. */
const skippable = 0x184d2a50;

/** Larger frames are not ours, and are refused before memory is given to them. */
const longestFrame = 128 * 1024 * 1024;

/** One independent zstd frame with a content checksum, made in the thread pool. */
export async function compressFrame(bytes: Uint8Array, level: number): Promise<Uint8Array> {
  const out = await compressAsync(bytes, {
    // Large pieces of output: small ones cost a quarter of the speed. Not one for all of it: what is allocated counts for
    // the garbage collector, used or not, and with 8 MiB a frame it ran at every other one.
    chunkSize: Math.max(64 * 1024, bytes.length >> 3),
    params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
  });
  return fitBytes(out);
}

/** The content of exactly one frame, which must be `size` bytes. Throws `damaged-data` naming `what`. */
export async function decompressFrame(frame: Uint8Array, size: number, what: string): Promise<Uint8Array> {
  try {
    const content = await decompressAsync(frame, { chunkSize: Math.max(64, size), maxOutputLength: Math.max(1, size) });
    if (content.length === size) return content;
    throw new Error(`${content.length} bytes instead of ${size}`);
  } catch (cause) {
    throw new PgrescueError("damaged-data", `${what} cannot be decompressed`, { cause });
  }
}

/** The content of an object made of small frames, as it comes. Frames beyond 128 MiB are refused as `damaged-data`. */
export async function* decompressFrames(chunks: AsyncIterable<Uint8Array>, what: string): AsyncIterable<Uint8Array> {
  let pending: Uint8Array = new Uint8Array();
  for await (const chunk of chunks) {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    for (let length = frameLength(pending, what); length !== null; length = frameLength(pending, what)) {
      const frame = pending.subarray(0, length);
      pending = pending.subarray(length);
      if (!isSkippable(frame)) yield await decompressSmall(frame, what);
    }
    if (pending.length > longestFrame)
      throw new PgrescueError("damaged-data", `${what} holds a zstd frame of more than ${longestFrame} bytes`);
  }
  if (pending.length > 0) throw new PgrescueError("damaged-data", `${what} ends within a zstd frame`);
}

async function decompressSmall(frame: Uint8Array, what: string): Promise<Uint8Array> {
  try {
    return await decompressAsync(frame, { chunkSize: 1024 * 1024, maxOutputLength: longestFrame });
  } catch (cause) {
    throw new PgrescueError("damaged-data", `${what} cannot be decompressed`, { cause });
  }
}

/**
 * The length of the zstd frame (RFC 8878) at the beginning of `bytes`; null when more bytes are needed to tell.
 * Node decodes only the first frame of what it is given, without a word, so frames have to be told apart here.
 */
function frameLength(bytes: Uint8Array, what: string): number | null {
  if (bytes.length < 8) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isSkippable(bytes)) return whole(bytes, 8 + view.getUint32(4, true));
  if (view.getUint32(0, true) !== magic) throw new PgrescueError("damaged-data", `${what} is not zstd`);
  const descriptor = view.getUint8(4);
  const singleSegment = (descriptor & 0x20) !== 0;
  const sizeField = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  const dictionaryField = [0, 1, 2, 4][descriptor & 3] ?? 0;
  let at = 5 + (singleSegment ? 0 : 1) + dictionaryField + sizeField;
  for (let last = false; !last;) {
    if (at + 3 > bytes.length) return null;
    const block = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    last = (block & 1) === 1;
    const type = (block >> 1) & 3;
    if (type === 3) throw new PgrescueError("damaged-data", `${what} is damaged: a reserved zstd block type`);
    at += 3 + (type === 1 ? 1 : block >> 3);
  }
  return whole(bytes, at + ((descriptor & 4) === 0 ? 0 : 4));
}

function isSkippable(bytes: Uint8Array): boolean {
  return (
    bytes.length >= 4 &&
    (new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true) & 0xffff_fff0) >>> 0 === skippable
  );
}

function whole(bytes: Uint8Array, length: number): number | null {
  return bytes.length >= length ? length : null;
}
