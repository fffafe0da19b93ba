import { expect, test } from "vitest";
import { segmentAfter } from "../../../src/adapters/wal/successor.ts";
import { lsn } from "../../../src/domain/lsn.ts";

const size = 16 * 1024 * 1024;
const history = {
  timeline: 4,
  switches: [
    { parent: 1, switchedAt: lsn(6n * BigInt(size) + 100n), reason: "" },
    { parent: 2, switchedAt: lsn(6n * BigInt(size) + 200n), reason: "" },
    { parent: 3, switchedAt: lsn(9n * BigInt(size)), reason: "" },
  ],
};

test.each([
  ["000000010000000000000004", "000000010000000000000005"],
  ["000000010000000000000005", "000000030000000000000006"],
  ["000000030000000000000006", "000000030000000000000007"],
  ["000000030000000000000008", "000000040000000000000009"],
  ["0000000400000000000000FF", "000000040000000100000000"],
])("after %s recovery asks for %s", (name, next) => {
  expect(segmentAfter(name, size, history)).toBe(next);
});

test("without a known target the timeline is kept", () => {
  expect(segmentAfter("000000010000000000000005", size, null)).toBe("000000010000000000000006");
  expect(segmentAfter("00000002.history", size, null)).toBeNull();
});
