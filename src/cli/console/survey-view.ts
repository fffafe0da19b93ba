import { formatInstant, type Instant } from "../../domain/instant.ts";
import { formatLsn } from "../../domain/lsn.ts";
import { formatBytes } from "../../domain/quantity.ts";
import type { RecoveryPoint } from "../../domain/recovery-point.ts";
import { lastTestOf } from "../../domain/rehearsal.ts";
import type { Survey } from "../../engine/planning/survey.ts";
import type { HoleView, PointView, SurveyView, WindowView } from "../../faces/console-views.ts";
import { testedColumn, testedWords, type TestRecord } from "../tested-words.ts";

/** What the repositories hold, as the console shows it, each copy of a backup with when it was last restored here. */
export function surveyView(survey: Survey, places: readonly string[], tests: TestRecord): SurveyView {
  return {
    place: places.join(", "),
    points: survey.points.map((point) => pointView(point, tests)),
    windows: survey.windows.map(windowView),
    holes: survey.holes.map((hole) => holeView(hole, survey.windows)),
    warnings: survey.warnings,
  };
}

/** A window with its ends as the strip needs them. */
export function windowView(window: Survey["windows"][number]): WindowView {
  return {
    repository: window.repository,
    timeline: window.timeline,
    from: window.from.at,
    until: window.until.at,
    untilLsn: formatLsn(window.until.lsn),
    untilXid: window.until.xid === null ? null : String(window.until.xid),
  };
}

/** A hole between the windows that end before it and begin after it. */
export function holeView(hole: Survey["holes"][number], windows: Survey["windows"]): HoleView {
  const own = windows.filter((w) => w.repository === hole.repository && w.timeline === hole.timeline);
  const ends = own.flatMap((w) => (w.until.at === null ? [] : [w.until.at])).sort(byTime);
  const before = ends[0] ?? null;
  const after =
    own
      .map((w) => w.from.at)
      .filter((at) => before !== null && at > before)
      .sort(byTime)[0] ?? null;
  return {
    timeline: hole.timeline,
    fromSegment: hole.fromSegment,
    toSegment: hole.toSegment,
    from: before,
    until: after,
  };
}

function byTime(a: Instant, b: Instant): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function pointView(point: RecoveryPoint, { rehearsals, now }: TestRecord): PointView {
  const test = rehearsals === null ? undefined : lastTestOf(point, rehearsals);
  return {
    id: point.id,
    kind: point.kind,
    finishedAt: point.finishedAt,
    bytes: point.bytes,
    storedBytes: point.storedBytes,
    timeline: point.timeline,
    chain: point.kind === "dump" ? "logical" : "-",
    tested: testedColumn(test, now),
    places: [point.repository],
    status: point.status,
    ...(point.reason === undefined ? {} : { reason: point.reason }),
    details: [
      `id          ${point.id}`,
      `finished    ${formatInstant(point.finishedAt)}`,
      `timeline    ${point.timeline}`,
      `WAL         from ${formatLsn(point.startLsn)}, consistent at ${formatLsn(point.stopLsn)}`,
      `size        ${formatBytes(point.bytes)}, stored ${formatBytes(point.storedBytes)}`,
      `restored    ${testedWords(test, now)}${test == null ? "" : ` (${test.run})`}`,
      `PostgreSQL  ${Math.floor(point.postgresVersion / 10_000)}, system ${point.systemIdentifier}`,
      ...point.tablespaces.map((t) => `tablespace  ${t.name} (${t.oid}) was at ${t.location}`),
    ],
  };
}
