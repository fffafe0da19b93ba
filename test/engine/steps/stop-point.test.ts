import { expect, test } from "vitest";
import { parseLsn, type Lsn } from "../../../src/domain/lsn.ts";
import type { RecoveryInputs } from "../../../src/domain/plan.ts";
import { recoverySettings } from "../../../src/engine/steps/recovery-settings.ts";
import { judgeStop } from "../../../src/engine/steps/stop-point.ts";

const kept = { xid: "726", at: "2026-11-20T02:51:07.113000Z", lsn: "0/3000100" };
const lost = { xid: "727", at: "2026-11-20T02:51:08.000000Z", lsn: "0/3000200" };

function inputs(target: Partial<RecoveryInputs["target"]> = {}): RecoveryInputs {
  return {
    target: {
      kind: "time",
      value: "",
      inclusive: true,
      timeline: 1,
      stopAt: lost.lsn,
      lastCommit: kept,
      firstLost: lost,
      lostCommits: 1,
      ...target,
    },
    settings: {
      recovery_target_time: "2026-11-20 02:51:07.482+00",
      recovery_target_timeline: "1",
      recovery_target_action: "promote",
    },
  } as unknown as RecoveryInputs;
}

const at = (text: string): Lsn => parseLsn(text) ?? (0n as Lsn);

test.each([
  ["0/3000150", "pass"],
  ["0/3000200", "pass"],
  ["0/3000100", "fail"],
  ["0/3000210", "fail"],
])(
  "replay that ended at %s with the last kept commit at 0/3000100 and the first lost at 0/3000200 is a %s",
  (text, result) => {
    expect(judgeStop(inputs(), at(text), false).result).toBe(result);
  },
);

test("a server that does not say where it stopped is unknown, not right", () => {
  expect(judgeStop(inputs(), null, true).result).toBe("unknown");
});

test("PostgreSQL is told the plan's settings as they were shown", () => {
  expect(recoverySettings(inputs(), "false")).toMatchObject(inputs().settings);
});
