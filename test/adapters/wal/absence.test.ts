import { expect, test } from "vitest";
import { judgeAbsence, type WalEvidence } from "../../../src/adapters/wal/absence.ts";
import { lsn } from "../../../src/domain/lsn.ts";
import { segmentName, type SegmentNumber } from "../../../src/domain/segment.ts";
import type { TimelineHistory } from "../../../src/domain/timeline.ts";

const size = 16 * 1024 * 1024;
const at = (segment: number, offset = 0): ReturnType<typeof lsn> =>
  lsn(BigInt(segment) * BigInt(size) + BigInt(offset));
const name = (timeline: number, segment: number): string =>
  segmentName(timeline, BigInt(segment) as SegmentNumber, size);
const range = (timeline: number, from: number, until: number) => ({
  timeline,
  from: BigInt(from) as SegmentNumber,
  until: BigInt(until) as SegmentNumber,
});
const history = (timeline: number, ...switches: [number, ReturnType<typeof lsn>][]): TimelineHistory => ({
  timeline,
  switches: switches.map(([parent, switchedAt]) => ({ parent, switchedAt, reason: "" })),
});
const onOne = history(1);
const onTwo = history(2, [1, at(6, 1000)]);
const onTwoAtBoundary = history(2, [1, at(6)]);

const cases: readonly [string, string, Partial<WalEvidence>, boolean][] = [
  ["the end of timeline 1", name(1, 6), { ranges: [range(1, 1, 5)], target: onOne }, true],
  ["the end, target unknown", name(1, 6), { ranges: [range(1, 1, 5)] }, true],
  ["an archive without any segment", name(1, 6), { target: onOne }, true],
  ["a hole", name(1, 4), { ranges: [range(1, 1, 3), range(1, 5, 5)], target: onOne }, false],
  ["a listed one", name(1, 3), { ranges: [range(1, 1, 3)], target: onOne }, false],
  [
    "missing before the fork that recovery passes",
    name(1, 4),
    { ranges: [range(1, 1, 3), range(2, 6, 7)], target: onTwo },
    false,
  ],
  ["the fork's segment on the child, child empty", name(2, 6), { ranges: [range(1, 1, 5)], target: onTwo }, true],
  [
    "the fork's segment on the child, child goes on",
    name(2, 6),
    { ranges: [range(1, 1, 5), range(2, 7, 7)], target: onTwo },
    false,
  ],
  ["the fork's segment on the parent, needed", name(1, 6), { ranges: [range(1, 1, 5)], target: onTwo }, false],
  [
    "the fork's segment on the parent, fork at its beginning",
    name(1, 6),
    { ranges: [range(1, 1, 5)], target: onTwoAtBoundary },
    true,
  ],
  [
    "beyond the fork on a parent that went on",
    name(1, 7),
    { ranges: [range(1, 1, 6), range(1, 8, 9)], target: onTwo },
    true,
  ],
  [
    "before a fork that recovery does not take",
    name(1, 4),
    { ranges: [range(1, 1, 3)], histories: [onTwo], target: onOne },
    false,
  ],
  [
    "in a fork that recovery does not take",
    name(1, 6),
    { ranges: [range(1, 1, 5)], histories: [onTwo], target: onOne },
    true,
  ],
  [
    "where only a .partial is",
    name(1, 6),
    { ranges: [range(1, 1, 5)], others: [`${name(1, 6)}.partial`], target: onOne },
    false,
  ],
  [
    "where a backup began later",
    name(1, 6),
    { ranges: [range(1, 1, 5)], others: [`${name(1, 8)}.00000028.backup`], target: onOne },
    false,
  ],
  [
    "after where a backup began",
    name(1, 6),
    { ranges: [range(1, 1, 5)], others: [`${name(1, 2)}.00000028.backup`], target: onOne },
    true,
  ],
  [
    "a history that nobody has",
    "00000003.history",
    { ranges: [range(1, 1, 5)], histories: [onTwo], target: onTwo },
    true,
  ],
  ["the target's own history", "00000002.history", { target: onTwo }, false],
  ["a damaged history", "00000003.history", { others: ["00000003.history"], target: onTwo }, false],
  ["the history of a timeline with segments", "00000003.history", { ranges: [range(3, 6, 6)], target: onTwo }, false],
  ["timeline 1's history, which never exists", "00000001.history", { ranges: [range(1, 1, 5)], target: onOne }, true],
  ["a backup file", `${name(1, 2)}.00000028.backup`, { target: onOne }, true],
  ["no WAL file at all", "pg_control", {}, false],
];

test.each(cases)("absence of %s", (_, asked, evidence, isProven) => {
  const verdict = judgeAbsence(asked, {
    segmentSize: size,
    ranges: [],
    histories: [],
    others: [],
    target: null,
    ...evidence,
  });
  expect(verdict).toMatchObject({ isProven });
});
