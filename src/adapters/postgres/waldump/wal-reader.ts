import { PgrescueError } from "../../../domain/errors.ts";
import { lsn, type Lsn } from "../../../domain/lsn.ts";
import { segmentName, segmentStart, type SegmentNumber } from "../../../domain/segment.ts";
import type { SegmentSummary, WalEvent } from "../../../domain/wal-event.ts";
import type { SegmentAddress, WalReader, WalSource } from "../../../ports/wal-reader.ts";
import type { Assembly } from "./assembly.ts";
import { readSegmentHeader, type SegmentHeader } from "./page.ts";
import { finishRecord, scanSegment, type SegmentScan } from "./scan-segment.ts";

/** Bounds of what is remembered: events over all summaries, and raw segments (a scan needs the next one's beginning). */
const rememberedEvents = 200_000;
const rememberedSegments = 3;

/** A reader with its own memory; one for a command is enough. */
export function createWalReader(): WalReader {
  const memory = new WeakMap<WalSource, Memory>();
  return {
    async summarise(source, segment, next) {
      const own = memory.get(source) ?? new Memory();
      memory.set(source, own);
      return own.summarise(source, segment, next);
    },
    async recordFrom(source, segment, at) {
      const own = memory.get(source) ?? new Memory();
      memory.set(source, own);
      return own.recordFrom(source, segment, at);
    },
  };
}

class Memory {
  readonly #summaries = new Map<string, SegmentSummary>();
  readonly #segments = new Map<string, Promise<Uint8Array | null>>();
  #events = 0;

  async summarise(
    source: WalSource,
    segment: SegmentAddress,
    next: SegmentAddress | null,
  ): Promise<SegmentSummary | null> {
    const { segmentSize } = source.inventory;
    const name = segmentName(segment.timeline, segment.number, segmentSize);
    const known = this.#summaries.get(name);
    if (known !== undefined) return known;
    const bytes = await this.#fetch(source, name);
    if (bytes === null) return null;
    const header = checkedHeader(bytes, name, segment, source);
    const scan = scanSegment(bytes, header);
    if (scan.pending !== null && next !== null && (scan.pending.isWanted || !scan.pending.hasHead))
      await this.#finish(source, scan, scan.pending, segment, next);
    const summary = summaryOf(scan, segment, header);
    if (summary.complete) this.#remember(name, summary);
    return summary;
  }

  async recordFrom(source: WalSource, segment: SegmentAddress, at: Lsn): Promise<Lsn | null> {
    const name = segmentName(segment.timeline, segment.number, source.inventory.segmentSize);
    const bytes = await this.#fetch(source, name);
    if (bytes === null) return null;
    const header = checkedHeader(bytes, name, segment, source);
    const from = at > header.address ? Number(at - header.address) : 0;
    const found = scanSegment(bytes, header, false, from).recordFrom;
    return found === null ? null : lsn(header.address + BigInt(found));
  }

  /** Reads on in the following segments until the record at the end of `scan` is whole, and adds what it says. */
  async #finish(
    source: WalSource,
    scan: SegmentScan,
    pending: Assembly,
    segment: SegmentAddress,
    next: SegmentAddress,
  ): Promise<void> {
    const { segmentSize } = source.inventory;
    const start = segmentStart(segment.number, segmentSize);
    for (let { number } = next; ; number = (number + 1n) as SegmentNumber) {
      const bytes = await this.#fetch(source, segmentName(next.timeline, number, segmentSize));
      const header = bytes === null ? null : readSegmentHeader(bytes);
      if (bytes === null || header?.address !== segmentStart(number, segmentSize)) return;
      const done = finishRecord(pending, start, bytes, header);
      if (done === "goes on") continue;
      if (done?.event !== null && done !== null) scan.events.push(done.event);
      return;
    }
  }

  #fetch(source: WalSource, name: string): Promise<Uint8Array | null> {
    const known = this.#segments.get(name);
    if (known !== undefined) return known;
    const bytes = source.fetch(name);
    this.#segments.set(name, bytes);
    bytes.catch(() => this.#segments.delete(name));
    for (const oldest of this.#segments.keys()) {
      if (this.#segments.size <= rememberedSegments) break;
      this.#segments.delete(oldest);
    }
    return bytes;
  }

  #remember(name: string, summary: SegmentSummary): void {
    this.#summaries.set(name, summary);
    this.#events += summary.events.length + 1;
    for (const [oldest, { events }] of this.#summaries) {
      if (this.#events <= rememberedEvents || oldest === name) break;
      this.#summaries.delete(oldest);
      this.#events -= events.length + 1;
    }
  }
}

function checkedHeader(
  bytes: Uint8Array,
  name: string,
  segment: SegmentAddress,
  { inventory }: WalSource,
): SegmentHeader {
  const header = readSegmentHeader(bytes);
  const damaged = (found: string): PgrescueError => new PgrescueError("damaged-data", `segment ${name} ${found}`);
  if (header === null) throw damaged("does not begin with a wal page of PostgreSQL 12 to 18");
  if (header.segmentSize !== inventory.segmentSize)
    throw damaged(`is of a cluster with segments of ${header.segmentSize} bytes`);
  if (header.address !== segmentStart(segment.number, inventory.segmentSize) || header.timeline > segment.timeline)
    throw damaged("holds other wal than its name says");
  if (inventory.systemIdentifier !== "" && header.systemIdentifier !== inventory.systemIdentifier)
    throw damaged(`is of another system, ${header.systemIdentifier}`);
  return header;
}

function summaryOf(scan: SegmentScan, segment: SegmentAddress, header: SegmentHeader): SegmentSummary {
  const at = (offset: number) => lsn(header.address + BigInt(offset));
  const events: readonly WalEvent[] = scan.events;
  return {
    timeline: segment.timeline,
    number: segment.number,
    major: header.major,
    systemIdentifier: header.systemIdentifier,
    events,
    firstRecord: scan.firstRecord === null ? null : at(scan.firstRecord),
    lastRecord: scan.lastRecord === null ? null : at(scan.lastRecord),
    previousRecord: scan.previousRecord,
    end: at(scan.end),
    complete: scan.ended === null,
    ended: scan.ended,
  };
}
