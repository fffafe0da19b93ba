import type { Brand } from "./brand.ts";
import type { Lsn } from "./lsn.ts";

/** PostgreSQL's timeline identifier, 1 to 2^32-1. */
export type TimelineId = number;

/** A WAL segment's number on its timeline: the LSN of its first byte divided by the segment size. */
export type SegmentNumber = Brand<bigint, "SegmentNumber">;

/** The usual size of a WAL segment in bytes; `initdb --wal-segsize` changes it. */
export const defaultSegmentSize = 16 * 1024 * 1024;

/** What a file in pg_wal or in an archive is, by its name. */
export type WalFile =
  | { readonly kind: "segment"; readonly timeline: TimelineId; readonly log: bigint; readonly low: bigint }
  | { readonly kind: "partial"; readonly timeline: TimelineId; readonly log: bigint; readonly low: bigint }
  | {
      readonly kind: "backup";
      readonly timeline: TimelineId;
      readonly log: bigint;
      readonly low: bigint;
      readonly offset: bigint;
    }
  | { readonly kind: "history"; readonly timeline: TimelineId };

const walName = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})(?:(\.partial)|\.([0-9A-F]{8})\.backup)?$/;

/** Tells what a name in pg_wal stands for; null when it is none of PostgreSQL's. */
export function parseWalFileName(name: string): WalFile | null {
  const history = /^([0-9A-F]{8})\.history$/.exec(name);
  if (history !== null) return { kind: "history", timeline: Number.parseInt(history[1] ?? "", 16) };
  const m = walName.exec(name);
  if (m === null) return null;
  const timeline = Number.parseInt(m[1] ?? "", 16);
  const place = { timeline, log: BigInt(`0x${m[2]}`), low: BigInt(`0x${m[3]}`) };
  if (m[4] !== undefined) return { kind: "partial", ...place };
  if (m[5] !== undefined) return { kind: "backup", ...place, offset: BigInt(`0x${m[5]}`) };
  return { kind: "segment", ...place };
}

/** The number of the segment that holds the byte at `at`. */
export function segmentOf(at: Lsn, segmentSize: number): SegmentNumber {
  return (at / BigInt(segmentSize)) as SegmentNumber;
}

/** The LSN of a segment's first byte. */
export function segmentStart(segment: SegmentNumber, segmentSize: number): Lsn {
  return (segment * BigInt(segmentSize)) as Lsn;
}

/** The file name of a segment: timeline, log and segment, eight hex digits each. */
export function segmentName(timeline: TimelineId, segment: SegmentNumber, segmentSize: number): string {
  const perLog = 0x1_0000_0000n / BigInt(segmentSize);
  return hex8(BigInt(timeline)) + hex8(segment / perLog) + hex8(segment % perLog);
}

/** The number behind a segment's file name (24 hex digits); null when it is not one or not of this segment size. */
export function segmentNumberOf(name: string, segmentSize: number): SegmentNumber | null {
  const file = parseWalFileName(name);
  if (file === null || file.kind === "history") return null;
  const perLog = 0x1_0000_0000n / BigInt(segmentSize);
  return file.low < perLog ? ((file.log * perLog + file.low) as SegmentNumber) : null;
}

/** The file name of a timeline's history: `00000002.history`. */
export function historyName(timeline: TimelineId): string {
  return `${hex8(BigInt(timeline))}.history`;
}

function hex8(value: bigint): string {
  return value.toString(16).toUpperCase().padStart(8, "0");
}
