import { majorOfMagic } from "../../../domain/wal-magic.ts";

export const shortHeaderSize = 24;
export const longHeaderSize = 40;

/** xlp_info's bits. */
export const pageFlags = { continuation: 0x01, long: 0x02, overwrittenContinuation: 0x08 } as const;

/** What the first page of a segment says of the whole (XLogLongPageHeaderData). */
export interface SegmentHeader {
  readonly major: number;
  readonly magic: number;
  readonly timeline: number;
  readonly address: bigint;
  readonly systemIdentifier: string;
  readonly segmentSize: number;
  readonly pageSize: number;
}

/** Reads a segment's first page header; null when the bytes do not begin with one of a known version. */
export function readSegmentHeader(bytes: Uint8Array): SegmentHeader | null {
  if (bytes.length < longHeaderSize) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint16(0, true);
  const major = majorOfMagic(magic);
  if (major === null || (view.getUint16(2, true) & pageFlags.long) === 0) return null;
  const segmentSize = view.getUint32(32, true);
  const pageSize = view.getUint32(36, true);
  const isPowerOfTwo = (n: number): boolean => n > 0 && (n & (n - 1)) === 0;
  if (
    !isPowerOfTwo(segmentSize) ||
    !isPowerOfTwo(pageSize) ||
    segmentSize < 1 << 20 ||
    segmentSize > 1 << 30 ||
    pageSize < 1024 ||
    pageSize > 65_536
  )
    return null;
  return {
    major,
    magic,
    timeline: view.getUint32(4, true),
    address: view.getBigUint64(8, true),
    systemIdentifier: view.getBigUint64(24, true).toString(),
    segmentSize,
    pageSize,
  };
}
