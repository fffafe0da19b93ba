import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";
import { PgrescueError } from "../../../domain/errors.ts";

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** One zstd frame of level 3 with a content checksum and the content's size in its header. */
export async function compressFrame(content: Uint8Array): Promise<Uint8Array> {
  return await compress(content, {
    params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 },
    pledgedSrcSize: content.length,
    chunkSize: Math.max(64 * 1024, content.length >> 2),
  });
}

/** A frame within a compressed object. `checked` is false where nothing in it guards the content. */
interface Frame {
  readonly offset: number;
  readonly length: number;
  readonly checked: boolean;
  readonly skippable: boolean;
}

/**
 * Everything in a `.zst`, whoever wrote it: all frames one after the other. node:zlib stops after the first without a
 * word, so the frames' ends are found here (RFC 8878). Throws `damaged-data` for anything that is not whole, and when
 * more than `limit` bytes come out.
 */
export async function decompressFrames(
  stored: Uint8Array,
  limit: number,
): Promise<{ readonly content: Uint8Array; readonly checked: boolean }> {
  const frames = framesOf(stored);
  const parts: Uint8Array[] = [];
  let length = 0;
  for (const frame of frames) {
    if (frame.skippable) continue;
    const part = await decode(stored.subarray(frame.offset, frame.offset + frame.length), limit - length);
    length += part.length;
    parts.push(part);
  }
  const checked = frames.every((frame) => frame.checked || frame.skippable);
  const [only] = parts;
  return { content: parts.length === 1 && only !== undefined ? only : Buffer.concat(parts, length), checked };
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
    return { offset, length: 8 + view.getUint32(offset + 4, true), checked: true, skippable: true };
  }
  if (magic !== 0xfd2fb528) throw new PgrescueError("damaged-data", "this is not zstd data");
  const descriptor = view.getUint8(offset + 4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const checked = (descriptor & 0x04) !== 0;
  const contentSizeFlag = descriptor >> 6;
  const contentSizeBytes = contentSizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 1 << contentSizeFlag;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  let at = offset + 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes + contentSizeBytes;
  for (let last = false; !last;) {
    const block = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    last = (block & 1) === 1;
    const isRunLength = ((block >> 1) & 3) === 1;
    at += 3 + (isRunLength ? 1 : block >> 3);
  }
  return { offset, length: at + (checked ? 4 : 0) - offset, checked, skippable: false };
}
