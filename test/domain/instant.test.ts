import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { civilFromDays, daysFromCivil, isCivilDay } from "../../src/domain/civil.ts";
import {
  formatInstant,
  instant,
  instantFromMilliseconds,
  instantFromPostgres,
  millisecondsOf,
  parseInstant,
  shortInstant,
} from "../../src/domain/instant.ts";

/** 0001-01-01 to 9999-12-31, in milliseconds: what both `Date` and ISO 8601 with four digits can say. */
const milliseconds = fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 });

describe("an instant", () => {
  test("is printed as Date prints it, with microseconds", () => {
    fc.assert(
      fc.property(milliseconds, (ms) => {
        expect(formatInstant(instantFromMilliseconds(ms))).toBe(new Date(ms).toISOString().replace("Z", "000Z"));
      }),
    );
  });

  test("survives being printed and read", () => {
    fc.assert(
      fc.property(milliseconds, fc.integer({ min: 0, max: 999 }), (ms, micro) => {
        const at = instant(BigInt(ms) * 1000n + BigInt(micro));
        expect(parseInstant(formatInstant(at))).toBe(at);
        expect(millisecondsOf(at)).toBe(ms);
      }),
    );
  });

  test("is read with every way of writing an offset", () => {
    const expected = parseInstant("2026-11-20T02:51:07.482Z");
    for (const text of [
      "2026-11-20 02:51:07.482+00",
      "2026-11-20T03:51:07,482+01:00",
      "2026-11-19 21:21:07.482 -0530",
      "2026-11-20 02:51:07.482 UTC",
    ]) {
      expect(parseInstant(text)).toBe(expected);
    }
    expect(parseInstant("2026-11-20Z")).toBe(parseInstant("2026-11-20T00:00:00Z"));
  });

  test("is refused without an offset, and when the calendar has no such day", () => {
    for (const text of [
      "2026-11-20 02:51",
      "2026-02-29T00:00Z",
      "2026-13-01T00:00Z",
      "2026-00-10T00:00Z",
      "2026-01-01T24:00Z",
      "2026-01-01T10:60Z",
      "now",
      "",
    ]) {
      expect(parseInstant(text)).toBeNull();
    }
    expect(parseInstant("2028-02-29T00:00Z")).not.toBeNull();
  });

  test("reads PostgreSQL's own epoch", () => {
    expect(formatInstant(instantFromPostgres(0n))).toBe("2000-01-01T00:00:00.000000Z");
    expect(shortInstant(instantFromPostgres(1n))).toBe("Jan 01 00:00:00");
  });
});

describe("the calendar", () => {
  test("counts days there and back", () => {
    fc.assert(
      fc.property(fc.integer({ min: -1_000_000, max: 3_000_000 }), (days) => {
        const day = civilFromDays(days);
        expect(daysFromCivil(day)).toBe(days);
        expect(isCivilDay(day)).toBe(true);
      }),
    );
  });
});
