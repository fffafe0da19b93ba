import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addCrc32c, crc32cStart, finishCrc32c } from "../../../../src/adapters/postgres/waldump/crc32c.ts";
import { readSegmentHeader, type SegmentHeader } from "../../../../src/adapters/postgres/waldump/page.ts";
import { scanSegment } from "../../../../src/adapters/postgres/waldump/scan-segment.ts";
import { createWalReader } from "../../../../src/adapters/postgres/waldump/wal-reader.ts";
import { formatLsn } from "../../../../src/domain/lsn.ts";
import { segmentName, segmentNumberOf, type SegmentNumber } from "../../../../src/domain/segment.ts";
import type { WalSource } from "../../../../src/ports/wal-reader.ts";
import { startServer, type TestServer } from "../../../support/server.ts";

const size = 1024 * 1024;
let server: TestServer;
/** A full segment, the one after it, and the last one, which the server stopped in. */
let whole: Buffer;
let following: Buffer;
let last: Buffer;
let lastName: string;
let wholeName: string;

beforeAll(async () => {
  server = await startServer({ segmentSizeMiB: 1, settings: { autovacuum: "off", wal_keep_size: "512MB" } });
  await server.sql("CREATE TABLE t (x text)");
  await server.sql(
    "DO $$ BEGIN FOR i IN 1..6000 LOOP INSERT INTO t VALUES (repeat('x', i % 700)); COMMIT; END LOOP; END $$",
  );
  const wal = join(server.dataDirectory, "pg_wal");
  lastName = (await server.sql("SELECT pg_walfile_name(pg_current_wal_insert_lsn())")).trim();
  await server.stop("immediate");
  const n = segmentNumberOf(lastName, size)!;
  wholeName = segmentName(1, (n - 2n) as SegmentNumber, size);
  whole = await readFile(join(wal, wholeName));
  following = await readFile(join(wal, segmentName(1, (n - 1n) as SegmentNumber, size)));
  last = await readFile(join(wal, lastName));
}, 60_000);

afterAll(() => server[Symbol.asyncDispose]());

const headerOf = (bytes: Uint8Array): SegmentHeader => readSegmentHeader(bytes)!;
const sourceOf = (files: Record<string, Uint8Array>): WalSource => ({
  inventory: { systemIdentifier: "", segmentSize: size, ranges: [], histories: [], others: [] },
  fetch: async (name) => files[name] ?? null,
});

describe("where the WAL ends", () => {
  test("is found in the segment that a crash left, and again when zeros or an older life of the file follow", () => {
    const scan = scanSegment(last, headerOf(last));
    expect(scan.ended).toBe("end of wal");
    // A recycled file: the rest still holds pages of an earlier segment.
    const recycled = Buffer.from(last);
    const page = Math.ceil(scan.end / 8192) * 8192;
    following.copy(recycled, page, page);
    expect(scanSegment(recycled, headerOf(recycled))).toMatchObject({ end: scan.end, lastRecord: scan.lastRecord });
    const zeroed = Buffer.from(last).fill(0, scan.end);
    expect(scanSegment(zeroed, headerOf(zeroed))).toMatchObject({ end: scan.end, lastRecord: scan.lastRecord });
  });

  test("is before a record of which only a part was written, wherever it was cut", () => {
    const full = scanSegment(last, headerOf(last));
    // The last six bytes only fill up to a multiple of eight.
    for (const cut of [8, 12, 20, 30, 39]) {
      const torn = Buffer.from(last).fill(0, full.end - cut);
      const scan = scanSegment(torn, headerOf(torn));
      expect(scan.end).toBeLessThan(full.end);
      expect(scan.ended).not.toBeNull();
      const before = full.events.filter((e) => Number(e.endLsn - headerOf(last).address) <= scan.end);
      expect(scan.events).toEqual(before);
    }
  });

  test("is before a record with a flipped bit, be it kept or passed over", () => {
    const full = scanSegment(whole, headerOf(whole), true);
    expect(full.ended).toBeNull();
    const commit = full.events[Math.floor(full.events.length / 2)]!;
    const at = Number(commit.lsn - headerOf(whole).address);
    const flipped = Buffer.from(whole);
    flipped[at + 30]! ^= 1;
    expect(scanSegment(flipped, headerOf(flipped))).toMatchObject({ end: at, ended: "checksum does not fit" });
    // The record before it is an insert: only looked at when every checksum counts.
    const inside = Buffer.from(whole);
    inside[at - 12]! ^= 1;
    expect(scanSegment(inside, headerOf(inside), true).end).toBeLessThan(at);
  });

  test("is the end of a truncated file", () => {
    for (const length of [8192, 8192 * 10, 8192 * 10 + 100]) {
      const scan = scanSegment(whole.subarray(0, length), headerOf(whole));
      expect(scan.ended).not.toBeNull();
      expect(scan.end).toBeLessThanOrEqual(length);
    }
  });

  test("every cut gives a beginning of the same events, never others", () => {
    const all = scanSegment(whole, headerOf(whole)).events.map((e) => formatLsn(e.lsn));
    for (let cut = 100; cut < size; cut += 40_961) {
      const zeroed = Buffer.from(whole).fill(0, cut);
      const events = scanSegment(zeroed, headerOf(zeroed)).events.map((e) => formatLsn(e.lsn));
      expect(events).toEqual(all.slice(0, events.length));
    }
  });
});

describe("the reader", () => {
  test("finishes a record in the next segment, and leaves it out when that is missing", async () => {
    const number = segmentNumberOf(wholeName, size)!;
    const next = { timeline: 1, number: (number + 1n) as SegmentNumber };
    const files = { [wholeName]: whole, [segmentName(1, next.number, size)]: following };
    const complete = await createWalReader().summarise(sourceOf(files), { timeline: 1, number }, next);
    const alone = await createWalReader().summarise(sourceOf({ [wholeName]: whole }), { timeline: 1, number }, null);
    expect(complete!.events.length - alone!.events.length).toBeLessThanOrEqual(1);
    expect(complete?.events.slice(0, alone?.events.length)).toEqual(alone?.events);
    const second = await createWalReader().summarise(sourceOf(files), next, null);
    expect(second?.previousRecord).toBe(complete?.lastRecord);
  });

  test("says null for a segment that is not there, and refuses what is not that segment", async () => {
    const number = segmentNumberOf(wholeName, size)!;
    const reader = createWalReader();
    expect(await reader.summarise(sourceOf({}), { timeline: 1, number }, null)).toBeNull();
    await expect(
      reader.summarise(sourceOf({ [wholeName]: following }), { timeline: 1, number }, null),
    ).rejects.toMatchObject({ code: "damaged-data", message: expect.stringContaining("other wal than its name says") });
    await expect(
      reader.summarise(sourceOf({ [wholeName]: new Uint8Array(size) }), { timeline: 1, number }, null),
    ).rejects.toMatchObject({ code: "damaged-data" });
    const foreign = {
      ...sourceOf({ [wholeName]: whole }),
      inventory: { ...sourceOf({}).inventory, systemIdentifier: "1" },
    };
    await expect(reader.summarise(foreign, { timeline: 1, number }, null)).rejects.toMatchObject({
      message: expect.stringContaining("another system"),
    });
  });
});

test("CRC-32C is the standard one", () => {
  const crc = (text: string): number => finishCrc32c(addCrc32c(crc32cStart, Buffer.from(text), 0, text.length));
  expect([crc("123456789"), crc(""), crc("The quick brown fox jumps over the lazy dog")]).toEqual([
    0xe306_9283, 0, 0x2262_0404,
  ]);
});
