import { expect, test } from "vitest";
import { recoveryLines } from "../../src/cli/emit-recovery.ts";
import { planHead } from "../../src/cli/plan-lines.ts";
import type { RecoveryInputs } from "../../src/domain/plan.ts";
import type { RecoveryPlan } from "../../src/engine/planning/plan-recovery.ts";

function inputs(more: Partial<RecoveryInputs> = {}): RecoveryInputs {
  return {
    method: "restore-to-scratch",
    cluster: "shop",
    repository: "main",
    point: "P",
    target: {
      kind: "time",
      value: "2026-11-20T02:51:07.482000Z",
      inclusive: true,
      timeline: 1,
      stopAt: "0/3000128",
      lastCommit: { xid: "726", at: "2026-11-20T02:51:07.113000Z", lsn: "0/3000100" },
      firstLost: { xid: "727", at: "2026-11-20T02:51:08.000000Z", lsn: "0/3000200" },
      lostCommits: 1,
    },
    settings: {
      recovery_target_timeline: "1",
      recovery_target_action: "pause",
      recovery_target_lsn: "0/3000100",
      recovery_target_inclusive: "on",
    },
    targetAction: "promote",
    floors: { max_connections: 100 },
    replayFrom: "0/2000028",
    replayUntil: "0/3000128",
    dataDirectory: "/srv/scratch",
    port: 5499,
    tablespaces: {},
    asideDirectory: null,
    warnings: [],
    ...more,
  } as unknown as RecoveryInputs;
}

function headOf(given: RecoveryInputs): string {
  return planHead({
    inputs: given,
    point: { id: "P", finishedAt: 0n },
    estimate: { bytesToWrite: 1 },
  } as unknown as RecoveryPlan).join("\n");
}

test("the plan says where a time is stopped at instead, and that the server pauses there before it is promoted", () => {
  const head = headOf(inputs());
  expect(head).toContain("stops       by position 0/3000100, right after what is kept");
  expect(head).toContain("then        pauses there, is checked, then promotes");
  expect(head).toContain("recovery_target_lsn = '0/3000100'");
});

test("a stop as it was asked for is not explained", () => {
  const target = { ...inputs().target, kind: "lsn", value: "0/3000100" };
  expect(headOf(inputs({ target }))).not.toContain("stops  ");
});

test("by hand the settings are the plan's, with the action that was asked for", () => {
  const lines = recoveryLines(inputs(), "false");
  expect(lines).toEqual(
    expect.arrayContaining([
      "# Stops by position 0/3000100, right after what is kept: nothing that began later holds locks.",
      "recovery_target_lsn = '0/3000100'",
      "recovery_target_inclusive = 'on'",
      "recovery_target_timeline = '1'",
      "recovery_target_action = 'promote'",
    ]),
  );
  expect(lines.filter((line) => line.startsWith("recovery_target_action"))).toHaveLength(1);
  expect(recoveryLines(inputs({ targetAction: "pause" }), "false")).toContain("recovery_target_action = 'pause'");
});
