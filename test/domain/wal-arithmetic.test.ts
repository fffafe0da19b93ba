import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SegmentRange, WalInventory } from "../../src/domain/coverage.ts";
import {
  holdsSegment,
  holesOf,
  joinInventories,
  joinRanges,
  rangesOf,
  readableOf,
} from "../../src/domain/inventory.ts";
import { formatLsn, lsn, parseLsn } from "../../src/domain/lsn.ts";
import {
  parseWalFileName,
  segmentName,
  segmentNumberOf,
  segmentOf,
  segmentStart,
  type SegmentNumber,
} from "../../src/domain/segment.ts";
import { coveredAlong, rangeAround, timelineOfSegment } from "../../src/domain/timeline-path.ts";
import { parseHistory, timelineAt, type TimelineHistory } from "../../src/domain/timeline.ts";

const anyLsn = fc.bigInt({ min: 0n, max: 0x7fff_ffff_ffff_ffffn }).map(lsn);
const anySize = fc.integer({ min: 20, max: 30 }).map((power) => 2 ** power);
const small = 1024 * 1024;
const mega = BigInt(small);
const number = (n: bigint | number): SegmentNumber => BigInt(n) as SegmentNumber;

describe("positions and segments", () => {
  test("a position survives being printed and read", () => {
    fc.assert(
      fc.property(anyLsn, (at) => {
        expect(parseLsn(formatLsn(at))).toBe(at);
      }),
    );
  });

  test("a segment's name leads back to its number, and to the timeline", () => {
    fc.assert(
      fc.property(anyLsn, anySize, fc.integer({ min: 1, max: 0xffff_ffff }), (at, size, timeline) => {
        const segment = segmentOf(at, size);
        const name = segmentName(timeline, segment, size);
        expect(segmentNumberOf(name, size)).toBe(segment);
        expect(parseWalFileName(name)).toMatchObject({ kind: "segment", timeline });
      }),
    );
  });

  test("a position lies in its segment", () => {
    fc.assert(
      fc.property(anyLsn, anySize, (at, size) => {
        const start = segmentStart(segmentOf(at, size), size);
        expect(start <= at && at < start + BigInt(size)).toBe(true);
      }),
    );
  });

  test("names sort as segments do", () => {
    fc.assert(
      fc.property(anyLsn, anyLsn, anySize, (a, b, size) => {
        const [x, y] = [segmentOf(a, size), segmentOf(b, size)];
        expect(segmentName(1, x, size) < segmentName(1, y, size)).toBe(x < y);
      }),
    );
  });

  test("what is no position is told apart", () => {
    for (const text of ["", "0", "0/", "/0", "G/0", "123456789/0", "0/123456789", "0/0 x"])
      expect(parseLsn(text)).toBeNull();
  });
});

const inventory = (ranges: readonly SegmentRange[], histories: readonly TimelineHistory[] = []): WalInventory => ({
  systemIdentifier: "7",
  segmentSize: small,
  ranges: joinRanges(ranges),
  histories,
  others: [],
});
const range = (timeline: number, from: number, until: number): SegmentRange => ({
  timeline,
  from: number(from),
  until: number(until),
});
const anySegments = fc.array(
  fc.record({ timeline: fc.integer({ min: 1, max: 3 }), number: fc.integer({ min: 0, max: 40 }).map(number) }),
  { maxLength: 60 },
);

describe("an inventory", () => {
  test("of single segments holds exactly those, in ranges that neither touch nor overlap", () => {
    fc.assert(
      fc.property(anySegments, (segments) => {
        const all = inventory(rangesOf(segments));
        for (let timeline = 1; timeline <= 3; timeline++) {
          for (let n = 0; n <= 40; n++)
            expect(holdsSegment(all, timeline, number(n))).toBe(
              segments.some((s) => s.timeline === timeline && s.number === number(n)),
            );
        }
        for (const [at, r] of all.ranges.entries()) {
          const next = all.ranges[at + 1];
          if (next?.timeline === r.timeline) expect(next.from > r.until + 1n).toBe(true);
        }
      }),
    );
  });

  test("joined with another holds what either holds, whichever comes first", () => {
    fc.assert(
      fc.property(anySegments, anySegments, (a, b) => {
        const joined = joinInventories(inventory(rangesOf(a)), inventory(rangesOf(b))).ranges;
        expect(joined).toEqual(rangesOf([...a, ...b]));
        expect(joinInventories(inventory(rangesOf(b)), inventory(rangesOf(a))).ranges).toEqual(joined);
      }),
    );
  });

  test("can be read where it is not cold", () => {
    fc.assert(
      fc.property(anySegments, anySegments, (segments, cold) => {
        const readable = readableOf({ ...inventory(rangesOf(segments)), cold: rangesOf(cold) });
        const isCold = (s: (typeof segments)[number]): boolean =>
          cold.some((a) => a.timeline === s.timeline && a.number === s.number);
        expect(readable.ranges).toEqual(rangesOf(segments.filter((s) => !isCold(s))));
        expect(readable.cold).toBeUndefined();
      }),
    );
  });

  test("and its holes together are the whole stretch of each timeline", () => {
    fc.assert(
      fc.property(anySegments, (segments) => {
        const all = inventory(rangesOf(segments));
        const filled = joinRanges([
          ...all.ranges,
          ...holesOf(all).map((h) => ({
            timeline: h.timeline,
            from: segmentNumberOf(h.fromSegment, small)!,
            until: segmentNumberOf(h.toSegment, small)!,
          })),
        ]);
        expect(filled).toHaveLength(new Set(segments.map((s) => s.timeline)).size);
      }),
    );
  });
});

describe("the way to a timeline", () => {
  const at = (segment: number, offset = 0): ReturnType<typeof lsn> => lsn(BigInt(segment) * mega + BigInt(offset));
  const second: TimelineHistory = { timeline: 2, switches: [{ parent: 1, switchedAt: at(5, 1000), reason: "" }] };
  const third: TimelineHistory = {
    timeline: 3,
    switches: [
      { parent: 1, switchedAt: at(5, 1000), reason: "" },
      { parent: 2, switchedAt: at(8), reason: "" },
    ],
  };

  test("covers golden cases of stored segments", () => {
    const cases: [string, TimelineHistory, SegmentRange[], [string, string][]][] = [
      ["one timeline", { timeline: 1, switches: [] }, [range(1, 2, 4)], [["0/200000", "0/500000"]]],
      [
        "a hole",
        { timeline: 1, switches: [] },
        [range(1, 2, 2), range(1, 4, 4)],
        [
          ["0/200000", "0/300000"],
          ["0/400000", "0/500000"],
        ],
      ],
      ["both sides of a fork", second, [range(1, 2, 5), range(2, 5, 7)], [["0/200000", "0/800000"]]],
      ["the old timeline only up to the fork", second, [range(1, 2, 9)], [["0/200000", "0/5003E8"]]],
      [
        "the new timeline's copy of the first segment is enough",
        second,
        [range(1, 2, 4), range(2, 5, 5)],
        [["0/200000", "0/600000"]],
      ],
      [
        "without it the rest hangs in the air",
        second,
        [range(1, 2, 5), range(2, 6, 7)],
        [
          ["0/200000", "0/5003E8"],
          ["0/600000", "0/800000"],
        ],
      ],
      ["three timelines", third, [range(1, 0, 5), range(2, 5, 8), range(3, 8, 9)], [["0/0", "0/A00000"]]],
      ["what another branch wrote does not count", third, [range(1, 0, 5), range(2, 5, 12)], [["0/0", "0/800000"]]],
      ["nothing", second, [], []],
    ];
    for (const [name, history, ranges, expected] of cases) {
      expect([
        name,
        coveredAlong(history, inventory(ranges)).map((r) => [formatLsn(r.from), formatLsn(r.until)]),
      ]).toEqual([name, expected]);
    }
  });

  test("takes each segment from the newest timeline that has it", () => {
    const all = inventory([range(1, 0, 6), range(2, 5, 9), range(3, 8, 9)]);
    expect([4, 5, 7, 8, 9, 10].map((n) => timelineOfSegment(third, all, number(n)))).toEqual([1, 2, 2, 3, 3, null]);
    expect(timelineOfSegment(second, inventory([range(1, 0, 9)]), number(5))).toBe(1);
    expect(timelineOfSegment(second, inventory([range(1, 0, 9)]), number(6))).toBeNull();
  });

  test("every covered byte lies in a segment that can be had, on a timeline of the way", () => {
    fc.assert(
      fc.property(anySegments, fc.bigInt({ min: 0n, max: 41n * mega - 1n }), (segments, byte) => {
        const all = inventory(rangesOf(segments));
        const position = lsn(byte);
        const covered = rangeAround(coveredAlong(third, all), position) !== null;
        const from = timelineOfSegment(third, all, segmentOf(position, small));
        if (covered) expect(from).not.toBeNull();
        // The file may be an older timeline's, which ends at the fork inside that segment.
        if (!covered && from !== null) expect(from).toBeLessThan(timelineAt(third, position));
      }),
    );
  });

  test("reads history files and refuses damaged ones", () => {
    expect(
      parseHistory(3, "1\t0/5003E8\tno recovery target specified\n\n2\t0/800000\tbefore transaction 7\n")?.switches.map(
        (s) => [s.parent, formatLsn(s.switchedAt)],
      ),
    ).toEqual([
      [1, "0/5003E8"],
      [2, "0/800000"],
    ]);
    for (const text of ["rubbish", "3\t0/1\tx", "2\t0/8\tx\n1\t0/9\tx", "1\t0/9\tx\n2\t0/8\tx"])
      expect(parseHistory(3, text)).toBeNull();
  });
});
