import { describe, expect, test } from "vitest";
import { decodeRecord } from "../../../../src/adapters/postgres/waldump/decode.ts";
import { majorOfMagic } from "../../../../src/domain/wal-magic.ts";
import { isSharedRow } from "../../../../src/adapters/postgres/waldump/record.ts";
import { lsn } from "../../../../src/domain/lsn.ts";

const u16 = (n: number): number[] => [n & 255, (n >> 8) & 255];
const u32 = (n: number): number[] => [...u16(n & 0xffff), ...u16(n >>> 16)];
const u64 = (n: bigint): number[] => [...u32(Number(n & 0xffff_ffffn)), ...u32(Number(n >> 32n))];

/** A record as PostgreSQL writes it: head, headers, main data. */
function record(resource: number, info: number, main: number[], before: number[] = [], xid = 731): DataView {
  const header = main.length < 256 ? [255, main.length] : [254, ...u32(main.length)];
  const body = [...before, ...header, ...main];
  const bytes = [...u32(24 + body.length), ...u32(xid), ...u64(0n), info, resource, 0, 0, ...u32(0), ...body];
  return new DataView(Uint8Array.from(bytes).buffer);
}

const decode = (view: DataView, major: number) =>
  decodeRecord({ view, start: 0, length: view.byteLength, lsn: lsn(1n), endLsn: lsn(2n), major });

describe("records of other versions", () => {
  test("are told by the magic of their pages", () => {
    expect([0xd101, 0xd106, 0xd10d, 0xd110, 0xd113, 0xd116, 0xd118, 0xd098].map(majorOfMagic)).toEqual([
      12,
      13,
      14,
      15,
      16,
      17,
      18,
      null,
    ]);
  });

  test("drop a database by another code before 15", () => {
    const main = [...u32(16_400), ...u32(1), ...u32(1663)];
    expect([12, 13, 14].map((v) => decode(record(4, 0x10, main), v)?.kind)).toEqual([
      "database-dropped",
      "database-dropped",
      "database-dropped",
    ]);
    expect([15, 16, 17, 18].map((v) => decode(record(4, 0x20, main), v)?.kind)).toEqual(
      Array.from({ length: 4 }, () => "database-dropped"),
    );
    expect([15, 18].map((v) => decode(record(4, 0x10, main), v)?.kind)).toEqual([
      "database-created",
      "database-created",
    ]);
  });

  test("have dropped statistics from 15 on, longer ones from 18: the prepared transaction's id lies behind them", () => {
    const time = u64(1000n);
    const flags = (stats: boolean) => u32(1 | 4 | 16 | (stats ? 256 : 0));
    const head = (stats: boolean) => [
      ...time,
      ...flags(stats),
      ...u32(5),
      ...u32(1663),
      ...u32(1),
      ...u32(1663),
      ...u32(5),
      ...u32(16_384),
    ];
    const old = decode(record(1, 0x30 | 0x80, [...head(false), ...u32(999)]), 14);
    expect(old).toMatchObject({
      kind: "commit",
      xid: 999,
      prepared: true,
      database: 5,
      droppedRelations: 1,
      droppedStatistics: 0,
    });
    const fifteen = decode(
      record(1, 0x30 | 0x80, [...head(true), ...u32(1), ...u32(2), ...u32(5), ...u32(16_384), ...u32(999)]),
      15,
    );
    expect(fifteen).toMatchObject({ xid: 999, droppedStatistics: 1 });
    const eighteen = decode(
      record(1, 0x30 | 0x80, [...head(true), ...u32(1), ...u32(2), ...u32(5), ...u32(16_384), ...u32(0), ...u32(999)]),
      18,
    );
    expect(eighteen).toMatchObject({ xid: 999, droppedStatistics: 1 });
  });

  test("may carry an origin and a top-level transaction before their data", () => {
    const event = decode(record(1, 0x00, u64(1000n), [253, ...u16(1), 252, ...u32(700)]), 17);
    expect(event).toMatchObject({ kind: "commit", xid: 731, prepared: false });
  });

  test("have page images whose compression is told by other bits before 15", () => {
    const relation = [...u32(1664), ...u32(0), ...u32(1262), ...u32(3)];
    // Block 0 with an image of 4 bytes with a hole, compressed: the hole's length follows.
    const block = (imageInfo: number) => [
      0,
      0x10,
      ...u16(0),
      ...u16(4),
      ...u16(0),
      imageInfo,
      ...u16(100),
      ...relation,
    ];
    const main = [...u32(731), ...u16(9), 0, 0];
    const build = (imageInfo: number): DataView => {
      const before = block(imageInfo);
      const body = [...before, 255, main.length, 1, 2, 3, 4, ...main];
      return new DataView(
        Uint8Array.from([...u32(24 + body.length), ...u32(731), ...u64(0n), 0x10, 10, 0, 0, ...u32(0), ...body]).buffer,
      );
    };
    for (const [imageInfo, major] of [
      [0x03, 14],
      [0x05, 15],
      [0x09, 16],
      [0x11, 18],
    ] as const) {
      expect(decode(build(imageInfo), major)).toMatchObject({
        kind: "shared-row",
        action: "delete",
        relation: 1262,
        block: 3,
        offset: 9,
      });
      expect(isSharedRow(build(imageInfo), 0, build(imageInfo).byteLength, major)).toBe(true);
    }
  });

  test("are passed over when they are malformed, whatever they say", () => {
    for (const resource of [0, 1, 4, 10]) {
      for (let info = 0; info < 256; info += 16) {
        for (let length = 0; length < 30; length++) {
          const view = record(
            resource,
            info,
            Array.from({ length }, (_, n) => (n * 37) & 255),
          );
          for (const major of [12, 15, 18]) decode(view, major);
        }
      }
    }
    const lying = record(1, 0x80, [...u64(0n), ...u32(4), ...u32(0x7fff_ffff)]);
    expect(decode(lying, 15)).toMatchObject({ kind: "commit" });
  });
});
