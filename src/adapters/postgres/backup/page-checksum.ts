/**
 * PostgreSQL's page checksum: 32 parallel FNV-1a lanes (src/include/storage/checksum_impl.h). Pages are 8192 bytes, the
 * only block size that PostgreSQL's packages are built with.
 */
export const pageSize = 8192;

/** Words (int32) in a page. */
export const pageWords = pageSize / 4;

const prime = 16_777_619;

const offsets = new Int32Array([
  0x5b1f36e9, 0xb8525960, 0x02ab50aa, 0x1de66d2a, 0x79ff467a, 0x9bb9f8a3, 0x217e7cd2, 0x83e13d2c, 0xf8d4474f,
  0xe39eb970, 0x42c6ae16, 0x993216fa, 0x7b093b5d, 0x98daff3c, 0xf718902a, 0x0b1c9cdb, 0xe58f764b, 0x187636bc,
  0x5d7b3bb1, 0xe73de7de, 0x92bec979, 0xcca6c0b2, 0x304a0979, 0x85aa43d4, 0x783125bb, 0x6ca8eaa2, 0xe407eac6,
  0x4b5cfc3e, 0x9fbf8c76, 0x15ca20be, 0xf2ca9fd3, 0x959bd756,
]);

/**
 * The checksum (1 to 65535) of the page that begins at word `at`, as block `block` of its relation fork. The stored
 * checksum's place counts as zero. Four lanes at a time: that is what keeps a processor's multiplier busy.
 */
export function pageChecksum(words: Int32Array, at: number, block: number): number {
  const end = at + pageWords;
  const header = word(words, at + 2) & 0xffff_0000;
  let folded = block | 0;
  for (let lane = 0; lane < 32; lane += 4) {
    let a = word(offsets, lane);
    let b = word(offsets, lane + 1);
    let c = word(offsets, lane + 2);
    let d = word(offsets, lane + 3);
    let i = at + lane;
    if (lane === 0) {
      a = mix(a, word(words, i));
      b = mix(b, word(words, i + 1));
      c = mix(c, header);
      d = mix(d, word(words, i + 3));
      i += 32;
    }
    for (; i < end; i += 32) {
      a = mix(a, words[i] as number);
      b = mix(b, words[i + 1] as number);
      c = mix(c, words[i + 2] as number);
      d = mix(d, words[i + 3] as number);
    }
    folded ^= mix(mix(a, 0), 0) ^ mix(mix(b, 0), 0) ^ mix(mix(c, 0), 0) ^ mix(mix(d, 0), 0);
  }
  return ((folded >>> 0) % 65_535) + 1;
}

function mix(sum: number, value: number): number {
  const t = sum ^ value;
  return Math.imul(t, prime) ^ (t >>> 17);
}

function word(words: Int32Array, at: number): number {
  return words[at] as number;
}

/** What a page's header says. `isNew`: never written (pd_upper 0), it has no checksum. LSN as PostgreSQL's 64-bit position. */
export interface PageHeader {
  readonly lsn: bigint;
  readonly checksum: number;
  readonly isNew: boolean;
}

/** Reads the header of the page at word `at` (little-endian, as every platform that Node and PostgreSQL share). */
export function pageHeader(words: Int32Array, at: number): PageHeader {
  const high = BigInt(word(words, at) >>> 0);
  const low = BigInt(word(words, at + 1) >>> 0);
  return { lsn: (high << 32n) | low, checksum: word(words, at + 2) & 0xffff, isNew: word(words, at + 3) >>> 16 === 0 };
}

/** Whether the page at word `at` is as its checksum says; new pages are. */
export function isPageIntact(words: Int32Array, at: number, block: number): boolean {
  if (word(words, at + 3) >>> 16 === 0) return true;
  return pageChecksum(words, at, block) === (word(words, at + 2) & 0xffff);
}
