import type { Hash } from "node:crypto";
import { availableParallelism } from "node:os";
import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";
import { PgrescueError } from "../../../domain/errors.ts";
import { inParallel } from "./parallel.ts";

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Bytes of plain WAL in a frame: several frames are compressed, and later decompressed, at the same time. */
const pieceSize = 4 * 1024 * 1024;

/** Frames that are compressed at the same time: one of libuv's four threads is left for the files that are read meanwhile. */
const framesAtOnce = Math.min(availableParallelism(), 3);

/** Level 1: on WAL it is as small as 3 to a few percent, for half the work on the database's own host. */
const level = 1;

/** Zstd frames one after the other, each with a content checksum and its content's size: one valid `.zst`. */
export async function compressFrames(content: Uint8Array): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < content.length; at += pieceSize) pieces.push(content.subarray(at, at + pieceSize));
  const frames: Uint8Array[] = [];
  await inParallel(pieces.entries(), framesAtOnce, async ([at, piece]) => {
    frames[at] = await compressFrame(piece);
  });
  return Buffer.concat(frames);
}

async function compressFrame(piece: Uint8Array): Promise<Uint8Array> {
  return await compress(piece, {
    params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
    pledgedSrcSize: piece.length,
    // All output in one piece: small ones cost a quarter of the speed.
    chunkSize: piece.length + (piece.length >> 8) + 1024,
  });
}

/** A frame within a compressed object. */
interface Frame {
  readonly offset: number;
  readonly length: number;
  /** Bytes of its content; null where its header does not say. */
  readonly size: number | null;
  /** False where nothing in it guards the content. */
  readonly checked: boolean;
  readonly skippable: boolean;
}

/**
 * Everything in a `.zst`, whoever wrote it: all frames one after the other. node:zlib stops after the first without a
 * word, so the frames' ends are found here (RFC 8878). `hasher` takes the content in order while later frames are still
 * at work. Throws `damaged-data` for anything that is not whole, and when more than `limit` bytes come out.
 */
export async function decompressFrames(
  stored: Uint8Array,
  limit: number,
  hasher?: Hash,
): Promise<{ readonly parts: readonly Uint8Array[]; readonly length: number; readonly checked: boolean }> {
  const frames = framesOf(stored).filter((frame) => !frame.skippable);
  const promised = frames.reduce((sum, frame) => sum + (frame.size ?? 0), 0);
  if (promised > limit) throw new PgrescueError("damaged-data", `it holds more than the expected ${limit} bytes`);
  const bytesOf = (frame: Frame): Uint8Array => stored.subarray(frame.offset, frame.offset + frame.length);
  const started = frames.map((frame) => (frame.size === null ? null : decode(bytesOf(frame), frame.size)));
  // One that fails while an earlier one is awaited is not unhandled: it is thrown in its turn.
  for (const part of started) part?.catch(() => undefined);
  const parts: Uint8Array[] = [];
  let length = 0;
  for (const [at, frame] of frames.entries()) {
    const part = await (started[at] ?? decode(bytesOf(frame), limit - length));
    if (frame.size !== null && part.length !== frame.size)
      throw new PgrescueError("damaged-data", "a frame is cut off");
    length += part.length;
    if (length > limit) throw new PgrescueError("damaged-data", `it holds more than the expected ${limit} bytes`);
    hasher?.update(part);
    parts.push(part);
  }
  return { parts, length, checked: frames.every((frame) => frame.checked) };
}

async function decode(frame: Uint8Array, room: number): Promise<Uint8Array> {
  try {
    return await decompress(frame, { chunkSize: Math.max(1024, room), maxOutputLength: Math.max(1, room) });
  } catch (error) {
    throw new PgrescueError("damaged-data", `cannot decompress: ${(error as Error).message}`, { cause: error });
  }
}

function framesOf(stored: Uint8Array): Frame[] {
  const view = new DataView(stored.buffer, stored.byteOffset, stored.length);
  const frames: Frame[] = [];
  let at = 0;
  try {
    while (at < stored.length) {
      const frame = frameAt(view, at);
      if (at + frame.length > stored.length) throw new RangeError("cut off");
      frames.push(frame);
      at += frame.length;
    }
  } catch (error) {
    if (error instanceof RangeError) throw new PgrescueError("damaged-data", "the zstd data is cut off");
    throw error;
  }
  if (frames.length === 0) throw new PgrescueError("damaged-data", "the zstd data is empty");
  return frames;
}

function frameAt(view: DataView, offset: number): Frame {
  const magic = view.getUint32(offset, true);
  if (magic >>> 4 === 0x184d2a5) {
    return { offset, length: 8 + view.getUint32(offset + 4, true), size: null, checked: true, skippable: true };
  }
  if (magic !== 0xfd2fb528) throw new PgrescueError("damaged-data", "this is not zstd data");
  const descriptor = view.getUint8(offset + 4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const checked = (descriptor & 0x04) !== 0;
  const contentSizeFlag = descriptor >> 6;
  const contentSizeBytes = contentSizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 1 << contentSizeFlag;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const sizeAt = offset + 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes;
  const size = readSize(view, sizeAt, contentSizeBytes);
  let at = sizeAt + contentSizeBytes;
  for (let last = false; !last;) {
    const block = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    last = (block & 1) === 1;
    const isRunLength = ((block >> 1) & 3) === 1;
    at += 3 + (isRunLength ? 1 : block >> 3);
  }
  return { offset, length: at + (checked ? 4 : 0) - offset, size, checked, skippable: false };
}

function readSize(view: DataView, at: number, bytes: number): number | null {
  if (bytes === 0) return null;
  if (bytes === 1) return view.getUint8(at);
  if (bytes === 2) return view.getUint16(at, true) + 256;
  return bytes === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true));
}
