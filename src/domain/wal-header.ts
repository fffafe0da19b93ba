import { formatLsn, lsn, type Lsn } from "./lsn.ts";
import { parseWalFileName, segmentNumberOf, segmentStart, type TimelineId } from "./segment.ts";

/** The long page header at the start of every WAL segment (PostgreSQL source, access/xlog_internal.h). */
export interface WalHeader {
  /** xlp_magic: 0xD0xx or 0xD1xx, changes with every major version. */
  readonly magic: number;
  readonly timeline: TimelineId;
  readonly pageAddress: Lsn;
  readonly systemIdentifier: string;
  readonly segmentSize: number;
  readonly blockSize: number;
}

/** Bytes of a segment that readWalHeader needs. */
export const walHeaderLength = 40;

const longHeaderFlag = 0x0002;

/** Reads the header from a segment's first bytes; null when they are not WAL (zeros, another kind of file, too short). */
export function readWalHeader(bytes: Uint8Array): WalHeader | null {
  if (bytes.length < walHeaderLength) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, walHeaderLength);
  // WAL is in the byte order of the machine that wrote it; the magic tells which.
  const little = isMagic(view.getUint16(0, true));
  if (!little && !isMagic(view.getUint16(0, false))) return null;
  if ((view.getUint16(2, little) & longHeaderFlag) === 0) return null;
  const segmentSize = view.getUint32(32, little);
  const blockSize = view.getUint32(36, little);
  if (!isPowerOfTwo(segmentSize) || !isPowerOfTwo(blockSize)) return null;
  return {
    magic: view.getUint16(0, little),
    timeline: view.getUint32(4, little),
    pageAddress: lsn(view.getBigUint64(8, little)),
    systemIdentifier: view.getBigUint64(24, little).toString(),
    segmentSize,
    blockSize,
  };
}

/**
 * What is wrong with `content` as the segment (or .partial) that `name` says, of the system `systemIdentifier`; null
 * when nothing is. The header's timeline may be older than the name's: a promotion copies the beginning of the
 * segment that it happens in. Only the first 40 bytes are needed where `length` says how long the whole is.
 */
export function faultOfSegment(
  name: string,
  content: Uint8Array,
  systemIdentifier: string,
  length: number = content.length,
): string | null {
  const header = readWalHeader(content);
  if (header === null) return "does not begin with a WAL page header";
  if (header.systemIdentifier !== systemIdentifier) {
    return `belongs to system ${header.systemIdentifier}, not to ${systemIdentifier}`;
  }
  if (length !== header.segmentSize) {
    return `has ${length} bytes where its header says ${header.segmentSize}`;
  }
  return faultOfPlace(name, header);
}

/** What is wrong with a header as that of the segment `name`, its place and timeline only; null when nothing is. */
export function faultOfPlace(name: string, header: WalHeader): string | null {
  const number = segmentNumberOf(name, header.segmentSize);
  const file = parseWalFileName(name);
  if (number === null || file === null) return `is not a segment of ${header.segmentSize} bytes by its name`;
  const start = segmentStart(number, header.segmentSize);
  if (header.pageAddress !== start) {
    return `holds the WAL at ${formatLsn(header.pageAddress)}, not at ${formatLsn(start)} as its name says`;
  }
  if (header.timeline > file.timeline) return `was written on timeline ${header.timeline}`;
  return null;
}

function isMagic(value: number): boolean {
  return value >> 8 === 0xd0 || value >> 8 === 0xd1;
}

function isPowerOfTwo(value: number): boolean {
  return value >= 1024 && value <= 0x4000_0000 && (value & (value - 1)) === 0;
}
