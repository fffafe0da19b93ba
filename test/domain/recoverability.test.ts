import { describe, expect, test } from "vitest";
import type { SegmentRange, WalInventory } from "../../src/domain/coverage.ts";
import { instant } from "../../src/domain/instant.ts";
import { historyOf } from "../../src/domain/inventory.ts";
import { formatLsn, lsn } from "../../src/domain/lsn.ts";
import { pointBefore, reachesAlong } from "../../src/domain/reach.ts";
import type { RecoveryPoint } from "../../src/domain/recovery-point.ts";
import type { SegmentNumber } from "../../src/domain/segment.ts";
import { firstGap, judgePoint } from "../../src/domain/standing.ts";
import { coveredAlong } from "../../src/domain/timeline-path.ts";
import { windowStrip } from "../../src/domain/window-strip.ts";

const small = 1024 * 1024;
const at = (segment: number, offset = 0) => lsn(BigInt(segment) * BigInt(small) + BigInt(offset));

/** A point whose WAL begins in one segment and ends in another. */
function point(id: string, from: number, until: number, more: Partial<RecoveryPoint> = {}): RecoveryPoint {
  return {
    id,
    kind: "base",
    format: "native",
    repository: "main",
    cluster: "shop",
    status: "ok",
    systemIdentifier: "7",
    postgresVersion: 150_004,
    timeline: 1,
    startedAt: instant(BigInt(from)),
    finishedAt: instant(BigInt(until)),
    startLsn: at(from, 40),
    stopLsn: at(until, 300),
    segmentSize: small,
    bytes: 1,
    storedBytes: 1,
    encrypted: false,
    tablespaces: [],
    walIncluded: false,
    ...more,
  };
}

/** `1:2-5 2:5-9` as an inventory; timeline 2 left 1 in segment 5. */
function wal(text: string): WalInventory {
  const ranges = text
    .split(" ")
    .filter((word) => word !== "")
    .map((word): SegmentRange => {
      const [, timeline, from, until] = /^(\d+):(\d+)-(\d+)$/.exec(word) ?? [];
      return {
        timeline: Number(timeline),
        from: BigInt(from ?? 0) as SegmentNumber,
        until: BigInt(until ?? 0) as SegmentNumber,
      };
    });
  return {
    systemIdentifier: "7",
    segmentSize: small,
    ranges,
    histories: [{ timeline: 2, switches: [{ parent: 1, switchedAt: at(5, 1000), reason: "" }] }],
    others: [],
  };
}

describe("a backup with its WAL", () => {
  test.each<[string, string, RecoveryPoint, string]>([
    ["all of it", "1:2-3", point("P", 2, 3), "ok"],
    ["the last segment missing", "1:2-2", point("P", 2, 3), "not-restorable"],
    ["the first missing", "1:3-4", point("P", 2, 3), "not-restorable"],
    ["one missing in the middle", "1:2-2 1:4-5", point("P", 2, 5), "not-restorable"],
    ["none at all", "", point("P", 2, 2), "not-restorable"],
    ["none in the archive but its own inside", "", point("P", 2, 3, { walIncluded: true }), "ok"],
    ["that ends exactly where a segment does", "1:2-2", point("P", 2, 2, { stopLsn: at(3) }), "ok"],
    ["of another timeline", "1:6-7", point("P", 6, 7, { timeline: 2 }), "not-restorable"],
    ["incomplete by itself", "1:2-3", point("P", 2, 3, { status: "incomplete" }), "incomplete"],
    ["a dump needs none", "", point("P", 2, 3, { kind: "dump" }), "ok"],
  ])("%s", (_name, stored, candidate, status) => {
    expect(judgePoint(candidate, wal(stored)).status).toBe(status);
  });

  test("says which segments are missing", () => {
    expect(judgePoint(point("P", 2, 5), wal("1:2-2 1:5-5")).reason).toBe(
      "segments 000000010000000000000003 to 000000010000000000000004 of its own WAL is missing",
    );
    expect(judgePoint(point("P", 2, 3), wal("1:2-2")).reason).toContain("segment 000000010000000000000003");
  });
});

describe("what can be reached", () => {
  const reaches = (timeline: number, stored: string, points: RecoveryPoint[]) =>
    reachesAlong(historyOf(wal(stored), timeline), wal(stored), points).map(
      (r) => `${r.points.map((p) => p.id).join("+")} to ${formatLsn(r.until)}`,
    );

  test.each<[string, number, string, RecoveryPoint[], string[]]>([
    ["one stretch", 1, "1:2-9", [point("A", 2, 2), point("B", 6, 6)], ["A+B to 0/A00000"]],
    [
      "two stretches around a hole",
      1,
      "1:2-4 1:6-9",
      [point("A", 2, 2), point("B", 6, 7)],
      ["A to 0/500000", "B to 0/A00000"],
    ],
    ["a backup in the hole reaches nothing", 1, "1:2-4 1:6-9", [point("A", 2, 2), point("B", 5, 6)], ["A to 0/500000"]],
    ["through a fork", 2, "1:2-5 2:5-9", [point("A", 2, 2), point("B", 6, 6, { timeline: 2 })], ["A+B to 0/A00000"]],
    [
      "the old branch goes on by itself",
      1,
      "1:2-7 2:5-9",
      [point("A", 2, 2), point("B", 6, 6, { timeline: 2 })],
      ["A to 0/800000"],
    ],
    [
      "a backup of the old branch, taken after the fork, does not lead to the new one",
      2,
      "1:2-7 2:5-9",
      [point("C", 6, 6)],
      [],
    ],
    ["a backup that was running at the fork does not either", 2, "1:2-7 2:5-9", [point("C", 4, 6)], []],
    [
      "a backup with its own WAL joins the archive",
      1,
      "1:4-9",
      [point("A", 2, 3, { walIncluded: true })],
      ["A to 0/A00000"],
    ],
    [
      "a backup with its own WAL stands alone",
      1,
      "1:6-9",
      [point("A", 2, 3, { walIncluded: true })],
      ["A to 0/400000"],
    ],
    [
      "broken points and dumps don't count",
      1,
      "1:2-9",
      [point("A", 2, 2, { status: "damaged" }), point("D", 2, 2, { kind: "dump" })],
      [],
    ],
  ])("%s", (_name, timeline, stored, points, expected) => {
    expect(reaches(timeline, stored, points)).toEqual(expected);
  });

  test("begins from the backup that ends last before the stop, never one that ends after it", () => {
    const [reach] = reachesAlong(historyOf(wal("1:2-9"), 1), wal("1:2-9"), [point("A", 2, 2), point("B", 4, 6)]);
    expect(
      [at(2, 299), at(2, 300), at(6, 299), at(6, 300), at(9)].map((stop) => pointBefore(reach!, stop)?.id ?? null),
    ).toEqual([null, "A", "A", "B", "B"]);
  });

  test("names the first gap between two positions", () => {
    const stored = wal("1:2-3 1:6-9");
    const history = historyOf(stored, 1);
    const gap = firstGap(coveredAlong(history, stored), at(2), at(8), history, small);
    expect(gap).toEqual({
      timeline: 1,
      fromSegment: "000000010000000000000004",
      toSegment: "000000010000000000000005",
    });
    expect(firstGap(coveredAlong(history, stored), at(6), at(8), history, small)).toBeNull();
  });
});

describe("the strip of windows", () => {
  test("shows backups, reachable moments and what is not", () => {
    const window = (from: number, until: number) => ({
      from: { at: instant(BigInt(from)), lsn: at(0), point: "" },
      until: { at: instant(BigInt(until)), lsn: at(0), xid: 1 },
    });
    const strip = windowStrip(
      [window(0, 40), window(60, 90)],
      [0, 20, 60].map((n) => instant(BigInt(n))),
      10,
    );
    expect(strip?.line).toBe("o=o==.o===");
    expect(windowStrip([], [], 10)).toBeNull();
    expect(windowStrip([], [instant(5n)], 10)?.line).toBe("o");
  });
});
