import { PgrescueError } from "../../../domain/errors.ts";

/** What LZ4 frames begin with, little-endian, and skippable ones. */
const magic = 0x184d2204;
const skippable = 0x184d2a50;
/** How far back a block may point into the ones before it. */
const windowSize = 64 * 1024;
const blockSizes: readonly number[] = [0, 0, 0, 0, 64 * 1024, 256 * 1024, 1024 * 1024, 4 * 1024 * 1024];

/** Decompresses LZ4 frames (LZ4 frame format 1.6) as they come. Checksums are skipped: what PostgreSQL wrote is checked by its manifest. */
export async function* unlz4(chunks: AsyncIterable<Uint8Array>, what: string): AsyncIterable<Uint8Array> {
  const input = reader(chunks, what);
  for (;;) {
    const head = await input.atMost(4);
    if (head.length === 0) return;
    if (head.length < 4) throw broken(what);
    const word = head.readUInt32LE(0);
    if ((word & 0xffff_fff0) >>> 0 === skippable) {
      await input.exactly((await input.exactly(4)).readUInt32LE(0));
      continue;
    }
    if (word !== magic) throw broken(what);
    const [flags = 0, descriptor = 0] = await input.exactly(2);
    const largest = blockSizes[(descriptor >> 4) & 7] ?? 0;
    if (flags >> 6 !== 1 || largest === 0) throw broken(what);
    await input.exactly(((flags & 8) === 0 ? 0 : 8) + ((flags & 1) === 0 ? 0 : 4) + 1);
    const isLinked = (flags & 0x20) === 0;
    let window: Buffer = Buffer.alloc(0);
    for (;;) {
      const size = (await input.exactly(4)).readUInt32LE(0);
      if (size === 0) break;
      const length = size & 0x7fff_ffff;
      if (length > largest) throw broken(what);
      const block = await input.exactly(length);
      const isRaw = size >>> 31 === 1;
      const content = isRaw ? Buffer.from(block) : decode(block, window, largest, what);
      if ((flags & 0x10) !== 0) await input.exactly(4);
      if (isLinked) window = Buffer.concat([window, content]).subarray(-windowSize);
      if (content.length > 0) yield content;
    }
    if ((flags & 4) !== 0) await input.exactly(4);
  }
}

/** One block; `window` is what may be pointed to before it. */
function decode(block: Buffer, window: Buffer, largest: number, what: string): Buffer {
  const out = Buffer.allocUnsafe(window.length + largest);
  window.copy(out);
  let to = window.length;
  let at = 0;
  const more = (length: number): number => {
    let sum = length;
    if (length !== 15) return sum;
    for (let byte = 255; byte === 255;) {
      byte = block[at++] ?? -1;
      if (byte < 0) throw broken(what);
      sum += byte;
    }
    return sum;
  };
  while (at < block.length) {
    const token = block[at++] ?? 0;
    const literals = more(token >> 4);
    if (at + literals > block.length || to + literals > out.length) throw broken(what);
    block.copy(out, to, at, at + literals);
    at += literals;
    to += literals;
    if (at === block.length) break;
    const offset = (block[at] ?? 0) | ((block[at + 1] ?? 0) << 8);
    at += 2;
    const length = more(token & 15) + 4;
    if (offset === 0 || offset > to || to + length > out.length) throw broken(what);
    // What is pointed to may overlap what is being written: then it repeats.
    if (offset >= length) out.copyWithin(to, to - offset, to - offset + length);
    else for (let n = 0; n < length; n++) out[to + n] = out[to + n - offset] ?? 0;
    to += length;
  }
  return out.subarray(window.length, to);
}

interface Input {
  exactly(length: number): Promise<Buffer>;
  atMost(length: number): Promise<Buffer>;
}

function reader(chunks: AsyncIterable<Uint8Array>, what: string): Input {
  const iterator = chunks[Symbol.asyncIterator]();
  let pending: Buffer = Buffer.alloc(0);
  const atMost = async (length: number): Promise<Buffer> => {
    while (pending.length < length) {
      const next = await iterator.next();
      if (next.done === true) break;
      pending = Buffer.concat([pending, next.value]);
    }
    const taken = pending.subarray(0, length);
    pending = pending.subarray(taken.length);
    return taken;
  };
  return {
    atMost,
    exactly: async (length) => {
      const bytes = await atMost(length);
      if (bytes.length < length) throw broken(what);
      return bytes;
    },
  };
}

function broken(what: string): PgrescueError {
  return new PgrescueError("damaged-data", `${what} is not whole LZ4 data`);
}
