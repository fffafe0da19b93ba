import { lsn, type Lsn } from "../../../domain/lsn.ts";
import type { WalEvent } from "../../../domain/wal-event.ts";
import { Assembly } from "./assembly.ts";
import { addCrc32c, crc32cStart, finishCrc32c } from "./crc32c.ts";
import { decodeRecord } from "./decode.ts";
import { longHeaderSize, pageFlags, shortHeaderSize, type SegmentHeader } from "./page.ts";
import { isSharedRow, isWanted, recordHeadSize, resource, switchInfo } from "./record.ts";

/** What a scan of one segment found. Offsets are bytes from the segment's start. */
export interface SegmentScan {
  readonly events: WalEvent[];
  readonly firstRecord: number | null;
  readonly lastRecord: number | null;
  /** The first record that begins at or after the offset that was asked for. */
  readonly recordFrom: number | null;
  readonly previousRecord: Lsn | null;
  /** First byte after the last valid record, or the segment's size when the WAL goes on. */
  readonly end: number;
  /** Why the WAL ends in here; null when it does not. */
  readonly ended: string | null;
  /** The record that goes on in the next segment. */
  readonly pending: Assembly | null;
}

/**
 * Walks the records that begin in a segment (access/transam/xlogreader.c). The chain of xl_prev and the pages' own
 * addresses tell WAL from what a recycled file still holds; checksums are looked at for the records that we keep, and
 * for all with `checkAll`. The caller has checked that `bytes` is the segment that `header` says. `from`: see `recordFrom`.
 */
export function scanSegment(bytes: Uint8Array, header: SegmentHeader, checkAll = false, from = 0): SegmentScan {
  const walk = new Walk(bytes, header, checkAll, from);
  walk.run();
  // A record that was cut off by a crash can have a sound head: where the WAL ends, every checksum counts.
  if (walk.ended !== null && walk.ended !== "wal switch" && !checkAll) return scanSegment(bytes, header, true, from);
  return walk.result();
}

/** Goes on with a record of the segment before; null when `bytes` does not hold its rest, else the event, if it says one. */
export function finishRecord(
  pending: Assembly,
  segmentStart: Lsn,
  bytes: Uint8Array,
  header: SegmentHeader,
): { readonly event: WalEvent | null } | "goes on" | null {
  const walk = new Walk(bytes, header, false, 0);
  const done = walk.gather(pending, 0);
  if (done === "goes on") return "goes on";
  if (done === null || !pending.isSound()) return null;
  return {
    event: pending.isWanted
      ? walk.decode(
          pending.bytes,
          0,
          pending.total,
          lsn(segmentStart + BigInt(pending.start)),
          lsn(header.address + BigInt(done)),
        )
      : null,
  };
}

class Walk {
  readonly events: WalEvent[] = [];
  ended: string | null = null;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #header: SegmentHeader;
  readonly #checkAll: boolean;
  readonly #from: number;
  readonly #size: number;
  readonly #high: number;
  readonly #low: number;
  #first: number | null = null;
  #last: number | null = null;
  #recordFrom: number | null = null;
  #previous: Lsn | null = null;
  #end = 0;
  #pending: Assembly | null = null;

  constructor(bytes: Uint8Array, header: SegmentHeader, checkAll: boolean, from: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#header = header;
    this.#checkAll = checkAll;
    this.#from = from;
    this.#size = Math.min(bytes.length - (bytes.length % header.pageSize), header.segmentSize);
    this.#high = Number(header.address >> 32n);
    this.#low = Number(header.address & 0xffff_ffffn);
  }

  result(): SegmentScan {
    return {
      events: this.events,
      firstRecord: this.#first,
      lastRecord: this.#last,
      recordFrom: this.#recordFrom,
      previousRecord: this.#previous,
      end: this.#end,
      ended: this.ended,
      pending: this.#pending,
    };
  }

  run(): void {
    const { pageSize, segmentSize } = this.#header;
    let at = this.#skipContinuation();
    while (at !== null && at < this.#size) {
      if (at % pageSize === 0) {
        const body: number | null = this.#enterPage(at, null);
        if (body === null) return this.#stop(at, "page of another time");
        at = body;
      }
      at = this.#record(at);
    }
    if (at === null) return;
    this.#end = Math.min(at, this.#size);
    if (this.#size < segmentSize) this.ended = "truncated file";
  }

  /** Checks the record at `at`, keeps what it says; gives where the next one begins, null where the walk is over. */
  #record(at: number): number | null {
    const view = this.#view;
    const { pageSize } = this.#header;
    const total = view.getUint32(at, true);
    if (total < recordHeadSize) return this.#stopWalk(at, total === 0 ? "end of wal" : "no record");
    const room = pageSize - (at % pageSize);
    if (total > room) return this.#longRecord(at, total);
    const problem = this.#checkHead(view, at);
    if (problem !== null) return this.#stopWalk(at, problem);
    const resourceId = view.getUint8(at + 17);
    const info = view.getUint8(at + 16);
    const wanted =
      isWanted(resourceId, info) && (resourceId !== resource.heap || isSharedRow(view, at, total, this.#header.major));
    if ((wanted || this.#checkAll) && !this.#isSound(at, total)) return this.#stopWalk(at, "checksum does not fit");
    const next = (at + total + 7) & ~7;
    this.#note(at);
    if (wanted) this.#keep(this.decode(this.#bytes, at, total, this.#lsn(at), this.#lsn(next)));
    if (resourceId === resource.xlog && (info & 0xf0) === switchInfo) return this.#switched();
    return next;
  }

  #longRecord(at: number, total: number): number | null {
    const assembly = new Assembly(at, total, this.#checkAll);
    const next = this.gather(assembly, at);
    if (assembly.hasHead) {
      const problem = this.#checkHead(new DataView(assembly.bytes.buffer), 0);
      if (problem !== null) return this.#stopWalk(at, problem);
    }
    if (next === "goes on") {
      this.#note(at);
      this.#pending = assembly;
      this.#end = this.#size;
      if (this.#size < this.#header.segmentSize) this.ended = "truncated file";
      return null;
    }
    // A page that says that the record before it was given up: the record there comes after the last whole one.
    if (next === null) return this.#overwrittenAt ?? this.#stopWalk(at, "record is cut off");
    if (!assembly.isSound()) return this.#stopWalk(at, "checksum does not fit");
    this.#note(at);
    if (assembly.isWanted) this.#keep(this.decode(assembly.bytes, 0, total, this.#lsn(at), this.#lsn(next)));
    if (assembly.bytes[17] === resource.xlog && ((assembly.bytes[16] ?? 0) & 0xf0) === switchInfo)
      return this.#switched();
    return next;
  }

  #overwrittenAt: number | null = null;

  /**
   * Adds to a record from `at` on (a page start: its continuation) until it is whole; gives where the next record
   * begins, "goes on" at the segment's end, null when a page does not continue it.
   */
  gather(assembly: Assembly, at: number): number | "goes on" | null {
    const { pageSize } = this.#header;
    this.#overwrittenAt = null;
    let position = at;
    while (assembly.missing > 0) {
      if (position >= this.#size) return "goes on";
      if (position % pageSize === 0) {
        const flags = this.#view.getUint16(position + 2, true);
        if ((flags & pageFlags.overwrittenContinuation) !== 0) {
          this.#overwrittenAt = this.#enterPage(position, null);
          return null;
        }
        const body = this.#enterPage(position, assembly.missing);
        if (body === null) return null;
        position = body;
      }
      const until = Math.min(position + assembly.missing, position + pageSize - (position % pageSize));
      assembly.add(this.#bytes, position, until);
      position = until;
    }
    return (position + 7) & ~7;
  }

  decode(bytes: Uint8Array, start: number, length: number, from: Lsn, endLsn: Lsn): WalEvent | null {
    const view = bytes === this.#bytes ? this.#view : new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return decodeRecord({ view, start, length, lsn: from, endLsn, major: this.#header.major });
  }

  /** Passes over the rest of a record that began before this segment. */
  #skipContinuation(): number | null {
    const { pageSize } = this.#header;
    const view = this.#view;
    let page = 0;
    while (page < this.#size) {
      const continues = (view.getUint16(page + 2, true) & pageFlags.continuation) !== 0;
      const rest = continues ? view.getUint32(page + 16, true) : 0;
      const body = this.#enterPage(page, continues ? rest : null);
      if (body === null) {
        this.#stop(page, "page of another time");
        return null;
      }
      if (body - page + rest <= pageSize) {
        const at = (body + rest + 7) & ~7;
        this.#end = at;
        return at;
      }
      page += pageSize;
    }
    return this.#size;
  }

  /** Checks a page header; gives where its content begins, null when it is not this page of this segment. */
  #enterPage(at: number, remaining: number | null): number | null {
    const view = this.#view;
    const { magic, timeline } = this.#header;
    if (view.getUint16(at, true) !== magic) return null;
    if (view.getUint32(at + 8, true) !== this.#low + at || view.getUint32(at + 12, true) !== this.#high) return null;
    // The copied start of a new timeline's first segment still names the old timeline, in later pages never a newer one.
    if (view.getUint32(at + 4, true) < timeline) return null;
    const flags = view.getUint16(at + 2, true);
    const continues = (flags & pageFlags.continuation) !== 0;
    if (remaining !== null && (!continues || view.getUint32(at + 16, true) !== remaining)) return null;
    if (remaining === null && continues && at !== 0) return null;
    return at + ((flags & pageFlags.long) !== 0 ? longHeaderSize : shortHeaderSize);
  }

  #checkHead(view: DataView, at: number): string | null {
    const low = view.getUint32(at + 8, true);
    const high = view.getUint32(at + 12, true);
    if (this.#last !== null) return low === this.#low + this.#last && high === this.#high ? null : "chain is broken";
    const before = high < this.#high || (high === this.#high && low < this.#low + at);
    if (!before) return "chain is broken";
    this.#previous = lsn((BigInt(high) << 32n) | BigInt(low));
    return null;
  }

  #isSound(at: number, total: number): boolean {
    const crc = addCrc32c(
      addCrc32c(crc32cStart, this.#bytes, at + recordHeadSize, at + total),
      this.#bytes,
      at,
      at + 20,
    );
    return finishCrc32c(crc) === this.#view.getUint32(at + 20, true);
  }

  #note(at: number): void {
    this.#first ??= at;
    this.#last = at;
    if (this.#recordFrom === null && at >= this.#from) this.#recordFrom = at;
  }

  #keep(event: WalEvent | null): void {
    if (event !== null) this.events.push(event);
  }

  #switched(): null {
    this.#end = this.#size;
    if (this.#size < this.#header.segmentSize) this.ended = "wal switch";
    return null;
  }

  #stopWalk(at: number, why: string): null {
    this.#stop(at, why);
    return null;
  }

  #stop(at: number, why: string): void {
    this.#end = at;
    this.ended = why;
  }

  #lsn(offset: number): Lsn {
    return lsn(this.#header.address + BigInt(offset));
  }
}
