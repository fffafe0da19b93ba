import { expect, test } from "vitest";
import type { Instant } from "../../../src/domain/instant.ts";
import type { ScheduleEntry } from "../../../src/domain/schedule/entry.ts";
import { newestSlot } from "../../../src/domain/schedule/newest-slot.ts";

const entry = (at: string, over: Partial<ScheduleEntry>): ScheduleEntry => ({
  cluster: "shop",
  at,
  timeZone: "Etc/UTC",
  missed: "run",
  ...over,
});

/** Entries whose `at` is the moment of their only time. */
const entries = [
  entry("10", { backup: "base" }),
  entry("30", { backup: "base", keep: "weekly" }),
  entry("90", { backup: "base" }),
  entry("40", { backup: "base", cluster: "other" }),
  entry("50", { backup: "dump" }),
  entry("60", { backup: "dump", databases: ["a", "b"] }),
  entry("70", { expire: true }),
];

function newest(kind: "base" | "dump", databases: readonly string[] | null, now = 80n): bigint | null {
  const timesOf = ({ at }: ScheduleEntry) => ({
    next: () => null,
    previous: (until: Instant) => (BigInt(at) <= until ? (BigInt(at) as Instant) : null),
  });
  return newestSlot(entries, { cluster: "shop", kind, databases }, timesOf, now as Instant);
}

test("the newest time of all entries for the same backup counts, and none that is still to come", () => {
  expect(newest("base", null)).toBe(30n);
  expect(newest("base", null, 20n)).toBe(10n);
  expect(newest("base", null, 5n)).toBeNull();
});

test("a dump of some databases is another backup than one of all, in whatever order they are named", () => {
  expect(newest("dump", null)).toBe(50n);
  expect(newest("dump", ["b", "a"])).toBe(60n);
  expect(newest("dump", ["a"])).toBeNull();
});
