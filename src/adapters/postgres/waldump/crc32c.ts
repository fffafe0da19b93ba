/** Slicing-by-8 tables for the Castagnoli polynomial, reflected. */
const tables = makeTables();

function makeTables(): Uint32Array {
  const t = new Uint32Array(8 * 256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let bit = 0; bit < 8; bit++) c = (c & 1) === 1 ? (c >>> 1) ^ 0x82f6_3b78 : c >>> 1;
    t[n] = c;
  }
  for (let n = 0; n < 256; n++) {
    for (let k = 1; k < 8; k++) {
      const before = t[(k - 1) * 256 + n] ?? 0;
      t[k * 256 + n] = (before >>> 8) ^ (t[before & 0xff] ?? 0);
    }
  }
  return t;
}

/** The value that a CRC-32C begins with; pass it to `addCrc32c`, and the result to `finishCrc32c`. */
export const crc32cStart = 0xffff_ffff;

/** Adds bytes [from, until) to a running CRC-32C. */
export function addCrc32c(crc: number, bytes: Uint8Array, from: number, until: number): number {
  const t = tables;
  let c = crc;
  let at = from;
  // The indexes are in bounds by construction; a check for undefined in here would halve the speed.
  for (const stop = until - 7; at < stop; at += 8) {
    c ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    c =
      t[1792 + (c & 0xff)]! ^
      t[1536 + ((c >>> 8) & 0xff)]! ^
      t[1280 + ((c >>> 16) & 0xff)]! ^
      t[1024 + (c >>> 24)]! ^
      t[768 + bytes[at + 4]!]! ^
      t[512 + bytes[at + 5]!]! ^
      t[256 + bytes[at + 6]!]! ^
      t[bytes[at + 7]!]!;
  }
  for (; at < until; at++) c = (c >>> 8) ^ t[(c ^ bytes[at]!) & 0xff]!;
  return c;
}

/** The CRC-32C of everything that was added, as an unsigned 32-bit number. */
export function finishCrc32c(crc: number): number {
  return (crc ^ 0xffff_ffff) >>> 0;
}
