import { describe, expect, test } from "vitest";
import { newestSpeeds, speedsIn } from "../../src/domain/measured.ts";
import { lastTestOf, rehearsalOf, withTests } from "../../src/domain/rehearsal.ts";
import type { RecoveryPoint } from "../../src/domain/recovery-point.ts";
import { moment } from "../support/console-world.ts";
import { restoreState, worked } from "../support/restore-run.ts";

const judged = (result: "fail" | "warn") => ({
  event: "verdict" as const,
  step: "smoke",
  verdict: { check: "smoke", title: "smoke", result, evidence: "e" },
});

describe("the speeds of a run", () => {
  test("are bytes restored and WAL replayed by the time of their steps", () => {
    expect(speedsIn(restoreState())).toEqual({ restore: 200_000_000, replay: 100_000_000 });
  });

  test("count WAL up to where recovery stopped, where that is recorded", () => {
    const stopped = { state: "promoted", lsn: "0/5F5E100", commitAt: null };
    const state = restoreState({ more: [{ event: "recorded", step: "replay", name: "stopped", value: stopped }] });
    expect(speedsIn(state).replay).toBeCloseTo(100_000_000 / 3);
  });

  test.each([
    ["took less than a second", { restoreMilliseconds: 999 }],
    ["moved less than 50 MB", { inputs: { bytes: 49_999_999 } }],
    [
      "was cut off and taken up again",
      { restoring: [...worked("restore", 10_000).slice(0, 1), ...worked("restore", 5_000)] },
    ],
    [
      "found everything there",
      {
        restoring: [
          { event: "step-finished" as const, step: "restore", result: "already-done" as const, milliseconds: 9_000 },
        ],
      },
    ],
  ])("are not said of a restore that %s", (_what, of) => {
    expect(speedsIn(restoreState(of)).restore).toBeNull();
  });

  test("leave out the time that a step waited for its confirmation", () => {
    // An hour by the steady clock, most of it before the answer; 1 s of work between intent and end.
    expect(speedsIn(restoreState({ confirm: "type", restoreMilliseconds: 3_600_000 })).restore).toBe(2_000_000_000);
  });

  test("are the newest of each kind, with the runs that they come from", () => {
    const small = { run: "R3", restore: null, replay: null };
    const restored = { run: "R2", restore: 400, replay: null };
    const both = { run: "R1", restore: 200, replay: 100 };
    expect(newestSpeeds([small, restored, both])).toEqual({ restore: 400, replay: 100, basis: "runs R2 and R1" });
    expect(newestSpeeds([small, both])).toEqual({ restore: 200, replay: 100, basis: "run R1" });
    expect(newestSpeeds([small])).toEqual({ restore: null, replay: null, basis: "" });
  });
});

describe("a run shows that its point can be restored", () => {
  const host = restoreState().header?.actor.host ?? "";

  test("with when it ended and how long its steps worked", () => {
    expect(rehearsalOf(restoreState({ kind: "verify" }), host)).toMatchObject({
      run: "R20261114-0300-xyz",
      cluster: "shop",
      point: "20261119T010440Z-base",
      method: "restore-to-scratch",
      at: moment("2026-11-14T03:00:08Z"),
      seconds: 13,
      restore: 200_000_000,
    });
  });

  test("also with warnings, but without a duration when a step was cut off", () => {
    expect(rehearsalOf(restoreState({ more: [judged("warn")] }), host)).not.toBeNull();
    const restoring = [...worked("restore", 10_000).slice(0, 1), ...worked("restore", 5_000)];
    expect(rehearsalOf(restoreState({ restoring }), host)).toMatchObject({ seconds: null });
  });

  test.each([
    ["took a backup", { kind: "backup" as const }],
    ["did not end well", { exitCode: 50 }],
    ["ran on another host", { host: "elsewhere" }],
    ["had a check that failed", { more: [judged("fail")] }],
    [
      "had a step that failed",
      { more: [{ event: "step-finished" as const, step: "smoke", result: "failed" as const, milliseconds: 1 }] },
    ],
    ["was taken back", { more: [{ event: "step-undone" as const, step: "restore" }] }],
  ])("not when it %s", (_what, of) => {
    expect(rehearsalOf(restoreState(of), host)).toBeNull();
  });

  test("of the very copy that was restored, not of its namesakes", () => {
    const rehearsal = rehearsalOf(restoreState(), host);
    const all = rehearsal === null ? [] : [rehearsal];
    const point = { id: "20261119T010440Z-base", cluster: "shop", systemIdentifier: "7312", repository: "main" };
    expect(lastTestOf(point, all)).toBe(rehearsal);
    expect(lastTestOf({ ...point, repository: "offsite" }, all)).toBeNull();
    expect(lastTestOf({ ...point, systemIdentifier: "7313" }, all)).toBeNull();
    expect(lastTestOf({ ...point, id: "20261120T010440Z-base" }, all)).toBeNull();
  });

  test("and never makes a newer test known elsewhere older", () => {
    const rehearsal = rehearsalOf(restoreState(), host);
    const all = rehearsal === null ? [] : [rehearsal];
    const point = { id: "20261119T010440Z-base", cluster: "shop", systemIdentifier: "7312", repository: "main" };
    const later = moment("2026-11-15T00:00:00Z");
    const verified = (known: object) => withTests([{ ...point, ...known } as RecoveryPoint], all)[0]?.verifiedAt;
    expect(verified({})).toBe(rehearsal?.at);
    expect(verified({ verifiedAt: later })).toBe(later);
    expect(verified({ id: "other" })).toBeUndefined();
  });
});
