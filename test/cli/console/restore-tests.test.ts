import { describe, expect, test } from "vitest";
import { backupsFact } from "../../../src/cli/console/home.ts";
import { methodViews } from "../../../src/cli/console/method-views.ts";
import { surveyView } from "../../../src/cli/console/survey-view.ts";
import { pointsLines } from "../../../src/cli/points.ts";
import { testedWords } from "../../../src/cli/tested-words.ts";
import { lsn } from "../../../src/domain/lsn.ts";
import { rehearsalOf, type Rehearsal } from "../../../src/domain/rehearsal.ts";
import type { RecoveryPoint } from "../../../src/domain/recovery-point.ts";
import type { RecoveryPlan } from "../../../src/engine/planning/plan-recovery.ts";
import type { Survey } from "../../../src/engine/planning/survey.ts";
import type { TargetView } from "../../../src/faces/console-views.ts";
import { moment, now } from "../../support/console-world.ts";
import { restoreState } from "../../support/restore-run.ts";

const state = restoreState();
const rehearsal = rehearsalOf(state, state.header?.actor.host ?? "") as Rehearsal;

function point(id: string, at: string, repository = "main"): RecoveryPoint {
  return {
    id,
    kind: "base",
    format: "native",
    repository,
    cluster: "shop",
    status: "ok",
    systemIdentifier: "7312",
    postgresVersion: 150_004,
    timeline: 3,
    startedAt: moment(at),
    finishedAt: moment(at),
    startLsn: lsn(0n),
    stopLsn: lsn(1n),
    segmentSize: 16_777_216,
    bytes: 2e9,
    storedBytes: 5e8,
    encrypted: false,
    tablespaces: [],
    walIncluded: false,
  };
}

const survey: Survey = {
  points: [
    point("20261119T010440Z-base", "2026-11-13T01:04:40Z"),
    point("20261120T010411Z-base", "2026-11-20T01:04:11Z"),
    point("20261119T010440Z-base", "2026-11-13T01:04:40Z", "offsite"),
  ],
  windows: [],
  holes: [],
  warnings: [],
};

describe("when a backup was last restored", () => {
  test("stands with that very copy among the points, and nowhere else", () => {
    const view = surveyView(survey, ["main"], { rehearsals: [rehearsal], now });
    expect(view.points.map((p) => p.tested)).toEqual(["6 d 13 s", "-", "-"]);
    expect(view.points[0]?.details).toContain("restored    6 d ago, 13 s (R20261114-0300-xyz)");
    expect(view.points[1]?.details).toContain("restored    never here");
  });

  test("is unknown, not never, where the runs cannot be read", () => {
    const view = surveyView(survey, ["main"], { rehearsals: null, now });
    expect(view.points[0]?.tested).toBe("-");
    expect(view.points[0]?.details).toContain("restored    unknown");
  });

  test("is said by `points`, within 80 columns", () => {
    const lines = pointsLines(survey, { rehearsals: [rehearsal], now });
    const at = lines.findIndex((line) => line.includes("20261119T010440Z-base"));
    expect(lines[at + 1]).toBe("      restored and checked 6 d ago, 13 s (R20261114-0300-xyz)");
    expect(lines.filter((line) => line.includes("restored and checked"))).toHaveLength(1);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });

  test("is on the first screen beside the newest backup of all repositories", () => {
    expect(backupsFact(survey.points, now, testedWords(rehearsal, now)).text).toBe(
      "last base 2h10m ago, 3 in all   restore-tested 6 d ago, 13 s",
    );
    expect(backupsFact(survey.points, now, testedWords(null, now)).text).toMatch(/restore-tested never here$/);
    expect(backupsFact([], now, testedWords(null, now))).toMatchObject({ result: "fail" });
  });

  test("has no duration when the run was cut off in between", () => {
    expect(testedWords({ ...rehearsal, seconds: null }, now)).toBe("6 d ago");
  });
});

describe("a method's prices", () => {
  const plan = {
    inputs: { cluster: "shop", target: {} },
    estimate: {
      seconds: 34,
      basis: "b",
      measuredIn: "run R20261114-0300-xyz",
      lostTransactions: 0,
      lostSeconds: 0,
      bytesToWrite: 1,
    },
  } as unknown as RecoveryPlan;
  const planned = [
    { id: "restore-to-scratch", plan },
    { id: "base-backup-only", plan: { ...plan, estimate: { ...plan.estimate, seconds: null, measuredIn: undefined } } },
  ] as unknown as Parameters<typeof methodViews>[0];
  const target = { lost: "none" } as TargetView;
  const prices = (label: string, rehearsals: readonly Rehearsal[] | null): readonly (string | undefined)[] =>
    methodViews(planned, target, true, { rehearsals, now }).map((m) => m.prices.find((p) => p.label === label)?.value);

  test("name the run that the time was measured in", () => {
    expect(prices("Time to done", [])).toEqual(["≈ 34 s, as in run R20261114-0300-xyz", "no estimate yet"]);
  });

  test("say when that method last brought this cluster back", () => {
    expect(prices("Rehearsed", [rehearsal])).toEqual(["6 d ago, 13 s", "never here"]);
    expect(prices("Rehearsed", [{ ...rehearsal, cluster: "billing" }])).toEqual(["never here", "never here"]);
    expect(prices("Rehearsed", null)).toEqual(["unknown", "unknown"]);
  });
});
