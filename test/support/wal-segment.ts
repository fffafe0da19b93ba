import { segmentNumberOf, segmentStart } from "../../src/domain/segment.ts";

/** A segment's bytes: a true long page header, then a pattern. */
export function makeSegment(
  name: string,
  options: { readonly systemIdentifier?: string; readonly size?: number; readonly fill?: number } = {},
): Buffer {
  const { systemIdentifier = "7000000000000000001", size = 1024 * 1024, fill = 7 } = options;
  const content = Buffer.alloc(size, fill);
  const number = segmentNumberOf(name, size);
  if (number === null) throw new Error(`${name} is not a segment of ${size} bytes`);
  content.fill(0, 0, 40);
  content.writeUInt16LE(0xd110, 0);
  content.writeUInt16LE(2, 2);
  content.writeUInt32LE(Number.parseInt(name.slice(0, 8), 16), 4);
  content.writeBigUInt64LE(segmentStart(number, size), 8);
  content.writeBigUInt64LE(BigInt(systemIdentifier), 24);
  content.writeUInt32LE(size, 32);
  content.writeUInt32LE(8192, 36);
  return content;
}
