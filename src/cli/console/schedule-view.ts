import { Cron } from "croner";
import type { Config } from "../../adapters/config/schema.ts";
import { instantFromMilliseconds, millisecondsOf, type Instant } from "../../domain/instant.ts";
import type { RecoveryPoint } from "../../domain/recovery-point.ts";
import type { RunState } from "../../domain/run/state.ts";
import { parseInstant } from "../../domain/instant.ts";
import type { ScheduleView } from "../../faces/console-views.ts";

type ScheduleEntry = Omit<Config["schedule"][number], "missed">;

/** Each schedule entry of a cluster with when it ran last and when it is due next; null where that is not known. */
export function scheduleOf(
  entries: readonly ScheduleEntry[],
  cluster: string,
  points: readonly RecoveryPoint[],
  runs: readonly RunState[],
  now: Instant,
): readonly ScheduleView[] {
  return entries
    .filter((entry) => entry.cluster === cluster)
    .map((entry) => {
      const last = lastOf(entry, points, runs);
      return {
        what: wordsOf(entry),
        lastAt: last?.at ?? null,
        lastResult: last?.result ?? null,
        nextAt: nextOf(entry, now),
      };
    });
}

function wordsOf(entry: ScheduleEntry): string {
  if (entry.backup !== undefined) return `${entry.backup} backup`;
  if (entry.copy !== undefined) return `copy to ${entry.copy}`;
  return entry.drill === undefined ? "nothing" : `drill ${entry.drill}`;
}

function nextOf(entry: ScheduleEntry, now: Instant): Instant | null {
  try {
    const next = new Cron(entry.at, { timezone: entry.timeZone, paused: true }).nextRun(new Date(millisecondsOf(now)));
    return next === null ? null : instantFromMilliseconds(next.getTime());
  } catch {
    // A line that is no cron expression has no next time; doctor says so.
    return null;
  }
}

function lastOf(
  entry: ScheduleEntry,
  points: readonly RecoveryPoint[],
  runs: readonly RunState[],
): { readonly at: Instant; readonly result: ScheduleView["lastResult"] } | null {
  if (entry.backup === undefined) return null;
  const [point] = points
    .filter((p) => p.kind === entry.backup && p.cluster === entry.cluster && p.status !== "incomplete")
    .toSorted((a, b) => (a.finishedAt < b.finishedAt ? 1 : -1));
  // Backup runs take base backups; they tell nothing of the other kinds.
  const run =
    entry.backup === "base"
      ? runs.find((r) => r.header?.kind === "backup" && r.header.cluster === entry.cluster && r.outcome !== null)
      : undefined;
  const runAt = run === undefined ? null : parseInstant(run.endedAt ?? "");
  // The run tells of failures, too; the point of backups that other hosts took.
  if (run !== undefined && runAt !== null && (point === undefined || runAt >= point.finishedAt))
    return { at: runAt, result: run.outcome?.exitCode === 0 ? "pass" : "fail" };
  if (point === undefined) return null;
  return { at: point.finishedAt, result: point.status === "ok" || point.status === "archived" ? "pass" : "fail" };
}
