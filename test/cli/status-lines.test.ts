import { expect, test } from "vitest";
import { scheduleOf } from "../../src/cli/console/schedule-view.ts";
import { statusDocument, statusLines, type StatusRecord } from "../../src/cli/status-lines.ts";
import type { RecoveryPoint } from "../../src/domain/recovery-point.ts";
import { rehearsalOf } from "../../src/domain/rehearsal.ts";
import type { CheckContext } from "../../src/engine/check.ts";
import { moment, now } from "../support/console-world.ts";
import { restoreState } from "../support/restore-run.ts";

const context = {
  cluster: "shop",
  now,
  server: { state: "unreachable", message: "m", next: "n" },
  survey: null,
} as unknown as CheckContext;

const entry = { cluster: "shop", at: "0 1 * * *", timeZone: "Etc/UTC" };
const entries = [
  { ...entry, backup: "base" as const },
  { ...entry, at: "0 4 * * 0", copy: "offsite" },
  { ...entry, cluster: "billing", backup: "base" as const },
];
const taken = (at: string, more: object = {}): RecoveryPoint =>
  ({ kind: "base", cluster: "shop", status: "ok", finishedAt: moment(at), ...more }) as unknown as RecoveryPoint;

function record(more: Partial<StatusRecord> = {}): StatusRecord {
  return {
    verdicts: [],
    runs: [],
    restored: null,
    schedule: scheduleOf(entries, "shop", [taken("2026-11-20T01:04:11Z"), taken("2026-11-19T01:04:40Z")], [], now),
    ...more,
  };
}

test("status says when each entry of the schedule ran last and is due next", () => {
  expect(statusLines(context, record())).toEqual([
    "shop at Nov 20 03:14:22 UTC",
    "Restore-tested: never here",
    "Schedule:",
    "  [ OK ] base backup: last Nov 20 01:04:11 UTC, next Nov 21 01:00:00 UTC (in 21h45m)",
    "  [....] copy to offsite: last never seen here, next Nov 22 04:00:00 UTC (in 2 d)",
  ]);
  expect(statusDocument(context, record())).toMatchObject({
    restoreTested: null,
    schedule: [
      {
        what: "base backup",
        lastAt: "2026-11-20T01:04:11.000000Z",
        lastResult: "pass",
        nextAt: "2026-11-21T01:00:00.000000Z",
      },
      { what: "copy to offsite", lastAt: null, lastResult: null, nextAt: "2026-11-22T04:00:00.000000Z" },
    ],
  });
});

test("a backup run that failed after the newest backup is what the schedule shows", () => {
  const failed = restoreState({ kind: "backup", exitCode: 40 });
  const views = scheduleOf(entries, "shop", [taken("2026-11-13T01:04:11Z")], [failed], now);
  expect(views[0]).toMatchObject({ lastAt: moment("2026-11-14T03:00:08Z"), lastResult: "fail" });
  // A backup whose WAL was lost is no success either.
  const lost = taken("2026-11-13T01:04:11Z", { status: "not-restorable" });
  expect(scheduleOf(entries, "shop", [lost], [], now)[0]).toMatchObject({ lastResult: "fail" });
});

test("status says when the cluster was last restored here, and says so when that is unknown", () => {
  const state = restoreState();
  const restored = rehearsalOf(state, state.header?.actor.host ?? "");
  expect(statusLines(context, record({ restored }))).toContain(
    "Restore-tested: 6 d ago, 13 s (20261119T010440Z-base, R20261114-0300-xyz)",
  );
  expect(statusDocument(context, record({ restored }))).toMatchObject({
    restoreTested: { run: "R20261114-0300-xyz", point: "20261119T010440Z-base", seconds: 13 },
  });
  expect(statusLines(context, record({ restored: "unknown" }))).toContain("Restore-tested: unknown");
});
