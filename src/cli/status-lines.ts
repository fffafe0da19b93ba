import type { Json } from "../domain/brand.ts";
import { formatInstant, shortInstant, type Instant } from "../domain/instant.ts";
import { formatDuration } from "../domain/quantity.ts";
import type { Rehearsal } from "../domain/rehearsal.ts";
import { gravest, type Verdict } from "../domain/verdict.ts";
import type { CheckContext } from "../engine/check.ts";
import { pointEntry } from "../engine/planning/points-document.ts";
import type { ScheduleView } from "../faces/console-views.ts";
import { findingMark } from "../faces/marks.ts";
import { testedWords } from "./tested-words.ts";

/** A run as status lists it; `outcome` also says `not begun`, `not ended` and `journal cannot be read`. */
export interface LastRun {
  readonly id: string;
  readonly kind: string;
  readonly openedAt: string | null;
  readonly outcome: string;
}

/** What status tells beyond the look at the cluster itself. */
export interface StatusRecord {
  readonly verdicts: readonly Verdict[];
  readonly runs: readonly LastRun[];
  /** The last restore of this cluster that ended well on this host; null: none, `unknown`: its runs cannot be read. */
  readonly restored: Rehearsal | null | "unknown";
  readonly schedule: readonly ScheduleView[];
}

/** `pgrescue.status/v1`. */
export function statusDocument(context: CheckContext, record: StatusRecord): Json {
  const { verdicts, runs, restored, schedule } = record;
  const { server, survey } = context;
  const newest = newestPoint(context);
  return {
    schema: "pgrescue.status/v1",
    cluster: context.cluster,
    at: formatInstant(context.now),
    result: gravest(verdicts),
    server:
      server.state === "up"
        ? { state: "up", ...server.identity, startedAt: formatInstant(server.identity.startedAt) }
        : { ...server },
    newestBackup: newest === null ? null : pointEntry(newest),
    reachable: (survey?.windows ?? []).map(({ repository, timeline, from, until }) => ({
      repository,
      timeline,
      from: formatInstant(from.at),
      until: until.at === null ? null : formatInstant(until.at),
    })),
    holes: survey?.holes.length ?? null,
    restoreTested:
      restored === null || restored === "unknown"
        ? null
        : {
            run: restored.run,
            point: restored.point,
            repository: restored.repository,
            method: restored.method,
            at: formatInstant(restored.at),
            seconds: restored.seconds,
          },
    schedule: schedule.map(({ what, lastAt, lastResult, nextAt }) => ({
      what,
      lastAt: lastAt === null ? null : formatInstant(lastAt),
      lastResult,
      nextAt: nextAt === null ? null : formatInstant(nextAt),
    })),
    verdicts: verdicts.map((verdict) => ({ ...verdict })),
    runs: runs.map((run) => ({ ...run })),
  };
}

/** The status for people. */
export function statusLines(context: CheckContext, record: StatusRecord): readonly string[] {
  const { verdicts, runs, restored, schedule } = record;
  const lines = verdicts.map(
    ({ result, evidence, title }) => `${findingMark(result)} ${title}: ${evidence.replaceAll(/\p{Cc}/gu, "?")}`,
  );
  const mends = verdicts.flatMap(({ result, mend }) =>
    (result === "fail" || result === "warn") && mend !== undefined ? [`  -> ${mend}`] : [],
  );
  const shown = runs.map(
    ({ id, kind, openedAt, outcome }) =>
      `  ${id}  ${kind}  ${openedAt === null ? "" : `${openedAt.slice(0, 19)}Z  `}${outcome}`,
  );
  return [
    `${context.cluster} at ${shortInstant(context.now)} UTC`,
    ...lines,
    ...mends,
    `Restore-tested: ${testedWords(restored === "unknown" ? undefined : restored, context.now)}${restored === null || restored === "unknown" ? "" : ` (${restored.point}, ${restored.run})`}`,
    ...(schedule.length === 0 ? [] : ["Schedule:", ...schedule.map((entry) => scheduleLine(entry, context.now))]),
    ...(shown.length === 0 ? [] : ["Last runs:", ...shown]),
  ];
}

function scheduleLine({ what, lastAt, lastResult, nextAt }: ScheduleView, now: Instant): string {
  const last = lastAt === null ? "never seen here" : `${shortInstant(lastAt)} UTC`;
  const next =
    nextAt === null
      ? "not known"
      : `${shortInstant(nextAt)} UTC (in ${formatDuration(Number(nextAt - now) / 1_000_000)})`;
  return `  ${findingMark(lastResult)} ${what}: last ${last}, next ${next}`.replaceAll(/\p{Cc}/gu, "?");
}

function newestPoint({ survey }: CheckContext) {
  return (
    (survey?.points ?? [])
      .filter((point) => point.status === "ok")
      .sort((a, b) => Number(b.finishedAt - a.finishedAt))[0] ?? null
  );
}
