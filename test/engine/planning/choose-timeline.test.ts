import { describe, expect, test } from "vitest";
import type { SegmentRange, WalInventory } from "../../../src/domain/coverage.ts";
import { instant } from "../../../src/domain/instant.ts";
import { lsn } from "../../../src/domain/lsn.ts";
import { segmentStart, type SegmentNumber } from "../../../src/domain/segment.ts";
import type { TransactionEnd } from "../../../src/domain/wal-event.ts";
import { chooseTimeline } from "../../../src/engine/planning/choose-timeline.ts";
import type { WalReader } from "../../../src/ports/wal-reader.ts";

const size = 1024 * 1024;

function range(timeline: number, from: bigint, until: bigint): SegmentRange {
  return { timeline, from: from as SegmentNumber, until: until as SegmentNumber };
}

/** Timeline 2 leaves timeline 1 in the middle of segment 5, and timeline 3 leaves 2 in that of segment 7. */
const second = { timeline: 2, switches: [{ parent: 1, switchedAt: lsn(5n * 0x10_0000n + 0x8_0000n), reason: "" }] };
const third = {
  timeline: 3,
  switches: [...second.switches, { parent: 2, switchedAt: lsn(7n * 0x10_0000n + 0x8_0000n), reason: "" }],
};

/** A commit late in each of these segments of a timeline, later in later segments. */
function readerOf(commits: readonly (readonly [timeline: number, number: bigint])[]): WalReader {
  return {
    summarise: async (_source, { timeline, number }) => {
      const start = segmentStart(number, size);
      const at = lsn(start + 0xf_0000n);
      const commit: TransactionEnd = {
        kind: "commit",
        lsn: at,
        endLsn: lsn(at + 64n),
        xid: Number(number),
        at: instant(number * 1_000_000n),
        prepared: false,
        database: null,
        droppedRelations: 0,
        droppedStatistics: 0,
      };
      const isHere = commits.some(([t, n]) => t === timeline && n === number);
      return {
        timeline,
        number,
        major: 15,
        systemIdentifier: "7",
        events: isHere ? [commit] : [],
        firstRecord: start,
        lastRecord: at,
        previousRecord: null,
        end: segmentStart((number + 1n) as SegmentNumber, size),
        complete: true,
        ended: null,
      };
    },
    recordFrom: async () => null,
  };
}

function choose(
  inventory: Pick<WalInventory, "ranges" | "histories">,
  { commits = [[1, 9n]] as const, current = null as number | null, points = [] as number[] } = {},
) {
  const source = {
    inventory: { systemIdentifier: "7", segmentSize: size, others: [], ...inventory },
    fetch: async () => null,
  };
  return chooseTimeline(
    source,
    readerOf(commits),
    null,
    current,
    points.map((timeline) => ({ timeline })),
  );
}

describe("without a server to ask", () => {
  test("the highest timeline is followed though only the one that was left has new commits", async () => {
    const choice = await choose({ ranges: [range(1, 1n, 9n), range(2, 5n, 6n)], histories: [second] });
    expect(choice.order).toEqual([2, 1]);
    expect(choice.warnings).toEqual([
      expect.stringMatching(/^timeline 1 holds commits until .* that timeline 2 does not \(it was left at 0\/580000\)/),
    ]);
    expect(choice.warnings[0]).toContain("choose it with --target-timeline 1");
  });

  test("a backup shows that its timeline lived, before any of its wal is stored", async () => {
    const choice = await choose({ ranges: [range(1, 1n, 9n)], histories: [second] }, { points: [1, 2] });
    expect(choice.order).toEqual([2, 1]);
  });

  test("a history alone is no reason to follow it, but is told", async () => {
    const choice = await choose({ ranges: [range(1, 1n, 9n), range(2, 5n, 8n)], histories: [second, third] });
    expect(choice.order).toEqual([2, 3, 1]);
    expect(choice.warnings.join("\n")).toMatch(/timeline 3 was begun .*--target-timeline 3/);
  });

  test("an ancestor that was left where its commits end is no branch worth a word", async () => {
    const choice = await choose(
      { ranges: [range(1, 1n, 5n), range(2, 5n, 8n)], histories: [second] },
      { commits: [[1, 4n]] as never },
    );
    expect(choice).toEqual({ order: [2, 1], warnings: [] });
  });
});

describe("with production here", () => {
  const both = { ranges: [range(1, 1n, 9n), range(2, 5n, 6n)], histories: [second] };

  test("its own timeline is followed, whatever is higher", async () => {
    expect((await choose(both, { current: 1 })).order).toEqual([1, 2]);
  });

  test("one of which nothing is stored cannot be, and that is said", async () => {
    const choice = await choose(both, { current: 4 });
    expect(choice.order).toEqual([2, 1]);
    expect(choice.warnings[0]).toBe("production is on timeline 4, of which nothing is stored; timeline 2 is followed");
  });
});
