import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatInstant, parseInstant, type Instant } from "../../src/domain/instant.ts";
import { formatOffset, parseTargetTime } from "../../src/domain/target-time.ts";

const now = parseInstant("2026-11-20T03:14:00Z") as Instant;

function read(text: string): string {
  const reading = parseTargetTime(text, now);
  return "at" in reading ? formatInstant(reading.at).replace(".000000", "") : `refused: ${reading.problem}`;
}

describe("a target time", () => {
  test.each([
    ["2026-11-20T02:51:07.482Z", "2026-11-20T02:51:07.482000Z"],
    ["2026-11-20 03:51+01", "2026-11-20T02:51:00Z"],
    ["now", "2026-11-20T03:14:00Z"],
    ["10 minutes ago", "2026-11-20T03:04:00Z"],
    ["10m ago", "2026-11-20T03:04:00Z"],
    ["2h ago", "2026-11-20T01:14:00Z"],
    ["2h30m ago", "2026-11-20T00:44:00Z"],
    ["2 hours, 30 minutes and 5 seconds ago", "2026-11-20T00:43:55Z"],
    ["an hour ago", "2026-11-20T02:14:00Z"],
    ["3 days ago", "2026-11-17T03:14:00Z"],
    ["1 week ago", "2026-11-13T03:14:00Z"],
    ["today 02:51Z", "2026-11-20T02:51:00Z"],
    ["yesterday 14:30 +02:00", "2026-11-19T12:30:00Z"],
    ["Yesterday 23:30 UTC", "2026-11-19T23:30:00Z"],
    // In a zone that is ahead, today is another day.
    ["today 01:00 +14:00", "2026-11-19T11:00:00Z"],
    ["yesterday 23:00 -05:00", "2026-11-19T04:00:00Z"],
    ["02:51:07.5 utc", "2026-11-20T02:51:07.500000Z"],
    // The last time that it was so.
    ["14:30 UTC", "2026-11-19T14:30:00Z"],
    ["03:14Z", "2026-11-20T03:14:00Z"],
  ])("%s is %s", (text, expected) => {
    expect(read(text)).toBe(expected);
  });

  test.each(["2026-11-20 02:51", "2026-11-20T02:51:07", "2026-11-20", "14:30", "today 14:30", "yesterday 02:51:07"])(
    "%s is refused: no offset is guessed",
    (text) => {
      expect(read(text)).toContain("does not say in which zone");
      const reading = parseTargetTime(text, now, 120);
      expect("hint" in reading && reading.hint).toContain("+02:00");
    },
  );

  test.each([
    "",
    "tomorrow",
    "ago",
    "ten ago",
    "10 fortnights ago",
    "5 minutes",
    "25:00Z",
    "10:61Z",
    "10:00 +99:00",
    "2026-02-30 10:00",
    "2026-11-20 02:51 CET",
    "-5 minutes ago",
  ])("%s is not understood, and says so", (text) => {
    expect(read(text)).toContain("refused");
    const reading = parseTargetTime(text, now);
    expect("hint" in reading && reading.hint).toMatch(/\.$/);
  });

  test("never throws, whatever is typed", () => {
    fc.assert(fc.property(fc.string(), (text) => void parseTargetTime(text, now)));
  });

  test("a time of day with an offset is at most a day back and never ahead", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 23 }),
        fc.integer({ min: 0, max: 59 }),
        fc.integer({ min: -720, max: 840 }),
        (hour, minute, offset) => {
          const reading = parseTargetTime(`${hour}:${String(minute).padStart(2, "0")} ${formatOffset(offset)}`, now);
          const at = "at" in reading ? reading.at : 0n;
          expect(at <= now && now - at < 86_400_000_000n).toBe(true);
        },
      ),
    );
  });
});
