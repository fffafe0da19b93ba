import { describe, expect, test } from "vitest";
import {
  exitOfState,
  gravestState,
  monitorLines,
  stateOf,
  stateOfFinding,
  type Measure,
} from "../../src/domain/monitoring.ts";

const age = (value: number | null, more: Partial<Measure> = {}): Measure => ({
  label: "backup_age",
  value,
  unit: "s",
  warning: 90_000,
  critical: 180_000,
  detail: "newest backup",
  ...more,
});

describe("a measure", () => {
  test.each<[number | null, string]>([
    [0, "OK"],
    [89_999, "OK"],
    [90_000, "WARNING"],
    [180_000, "CRITICAL"],
    [null, "UNKNOWN"],
  ])("of %s is %s", (value, state) => {
    expect(stateOf(age(value))).toBe(state);
  });
});

test("what could not be asked is never fine, and known trouble is told before it", () => {
  expect(["pass", "skip", "warn", "unknown", "fail"].map((f) => stateOfFinding(f as "pass"))).toEqual([
    "OK",
    "OK",
    "WARNING",
    "UNKNOWN",
    "CRITICAL",
  ]);
  expect(gravestState(["OK", "UNKNOWN"])).toBe("UNKNOWN");
  expect(gravestState(["UNKNOWN", "WARNING", "CRITICAL", "OK"])).toBe("CRITICAL");
  expect(gravestState([])).toBe("OK");
  expect((["OK", "WARNING", "CRITICAL", "UNKNOWN"] as const).map(exitOfState)).toEqual([0, 1, 2, 3]);
});

test("the first line is a plugin's, and the next ones name what is wrong, the worst first", () => {
  const measures = [age(8040.4), age(null, { label: "missing_segments", unit: "", warning: null, critical: 1 })];
  const found = [
    { label: "backup_age", state: "OK", detail: "newest backup 2h14m old" },
    { label: "windows", state: "UNKNOWN", detail: "a|b" },
    { label: "key", state: "CRITICAL", detail: "no key" },
  ] as const;
  expect(monitorLines("orders", found, measures)).toEqual([
    "PGRESCUE CRITICAL - orders: no key, a/b | 'backup_age'=8040s;90000;180000;0 'missing_segments'=U;;1;0",
    "orders.key: CRITICAL (no key)",
    "orders.windows: UNKNOWN (a|b)",
  ]);
});
