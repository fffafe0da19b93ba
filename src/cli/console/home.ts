import { hostname } from "node:os";
import type { Composition } from "../../compose.ts";
import { messageOf } from "../../domain/errors.ts";
import type { Instant } from "../../domain/instant.ts";
import { formatDuration } from "../../domain/quantity.ts";
import type { RecoveryPoint } from "../../domain/recovery-point.ts";
import type { Rehearsal } from "../../domain/rehearsal.ts";
import type { RunState } from "../../domain/run/state.ts";
import { gravest, type Finding } from "../../domain/verdict.ts";
import { surveyRepositories, type Survey } from "../../engine/planning/survey.ts";
import type { ClusterView, FactView, HomeView } from "../../faces/console-views.ts";
import { rehearsalsHere } from "../measured.ts";
import { planningWorld } from "../planning.ts";
import type { Settings } from "../settings.ts";
import { agoWords, testedWords } from "../tested-words.ts";
import { recentRuns, runView } from "./run-view.ts";
import { scheduleOf } from "./schedule-view.ts";
import { holeView, windowView } from "./survey-view.ts";

/** The first screen: every configured cluster with what is known of it now, worst first, and the recent runs. */
export async function loadHome(
  settingsOf: (cluster: string) => Settings,
  clusters: readonly string[],
  world: (settings: Settings) => Composition,
  stateDirectory: string,
): Promise<HomeView> {
  const runs = await recentRuns(stateDirectory);
  const rehearsals = await rehearsalsHere(stateDirectory);
  const views = await Promise.all(
    clusters.map((name) => clusterView(name, settingsOf(name), world(settingsOf(name)), runs, rehearsals)),
  );
  const order: readonly Finding[] = ["fail", "unknown", "warn", "skip", "pass"];
  return {
    clusters: views.sort((a, b) => order.indexOf(a.result) - order.indexOf(b.result)),
    runs: await Promise.all(runs.map((state) => runView(state, stateDirectory))),
  };
}

async function clusterView(
  name: string,
  settings: Settings,
  world: Composition,
  runs: readonly RunState[],
  rehearsals: readonly Rehearsal[] | null,
): Promise<ClusterView> {
  const now = world.clock.now();
  const test = rehearsals === null ? undefined : (rehearsals.find((r) => r.cluster === name) ?? null);
  const [server, stored] = await Promise.all([
    serverFacts(name, settings, world),
    storedFacts(settings, world, now, testedWords(test, now)),
  ]);
  const facts = [...server.facts, ...stored.facts];
  const result = gravest(
    facts.flatMap((f) =>
      f.result === null ? [] : [{ check: f.label, title: f.label, result: f.result, evidence: f.text }],
    ),
  );
  const { windows = [], holes = [], points = [] } = stored.survey ?? {};
  return {
    name,
    confirm: `${name}@${hostname()}`,
    result,
    summary: facts.find((f) => f.result === result)?.text ?? "",
    facts,
    windows: windows.map(windowView),
    holes: holes.map((hole) => holeView(hole, windows)),
    schedule: scheduleOf(settings.loaded.config.schedule, name, points, runs, now),
  };
}

async function serverFacts(
  name: string,
  settings: Settings,
  world: Composition,
): Promise<{ readonly facts: readonly FactView[] }> {
  const place = settings.cluster?.dataDirectory;
  try {
    const target = await world.connection(name);
    const sql = await world.sql.connect(target);
    try {
      const who = await world.postgres.identify(sql, target);
      const archiver = await sql.query<{
        ready: string | null;
        at: string | null;
        failed: string | null;
        failing: boolean | null;
      }>(
        "select last_archived_wal as ready, extract(epoch from now() - last_archived_time)::bigint::text as at, last_failed_wal as failed, coalesce(last_failed_time > last_archived_time, last_failed_time is not null) as failing from pg_stat_archiver",
      );
      const [archive] = archiver;
      return {
        facts: [
          {
            label: "TARGET",
            result: null,
            text: `${who.host}:${who.port}   system id ${who.systemIdentifier}   PostgreSQL ${versionWords(who.version)}`,
          },
          {
            label: "STATE",
            result: "pass",
            text: `accepting connections   role: ${who.role}   timeline ${who.timeline}`,
          },
          archive?.failing === true
            ? { label: "ARCHIVE", result: "fail", text: `archiving fails at ${archive.failed ?? "?"}` }
            : {
                label: "ARCHIVE",
                result: archive?.at === null ? "warn" : "pass",
                text:
                  archive?.at == null
                    ? "nothing was archived yet"
                    : `last WAL ${formatDuration(Number(archive.at))} ago`,
              },
        ],
      };
    } finally {
      await sql.close();
    }
  } catch (error) {
    const found = place === undefined ? null : await world.postgres.inspect(place).catch(() => null);
    const control = found?.control ?? null;
    return {
      facts: [
        {
          label: "TARGET",
          result: null,
          text: `${hostname()}${place === undefined ? "" : `   ${place}`}${control === null ? "" : `   system id ${control.systemIdentifier}`}`,
        },
        {
          label: "STATE",
          result: "fail",
          text: control === null ? messageOf(error) : `not accepting connections; pg_control says: ${control.state}`,
        },
      ],
    };
  }
}

async function storedFacts(
  settings: Settings,
  world: Composition,
  now: Instant,
  tested: string,
): Promise<{ readonly facts: readonly FactView[]; readonly survey: Survey | null }> {
  try {
    const repositories = await Promise.all(settings.repositories.map(({ name }) => world.repository(name)));
    const survey = await surveyRepositories(
      planningWorld(repositories, world, null, { live: false }),
      settings.clusterName,
    );
    const holes: FactView[] =
      survey.holes.length === 0
        ? []
        : [
            {
              label: "HOLES",
              result: "warn",
              text: `${survey.holes.length} in the WAL: some moments cannot be reached`,
            },
          ];
    const warnings: FactView[] = survey.warnings
      .slice(0, 1)
      .map((text) => ({ label: "CAREFUL", result: "warn", text }));
    return { facts: [backupsFact(survey.points, now, tested), ...holes, ...warnings], survey };
  } catch (error) {
    return { facts: [{ label: "BACKUPS", result: "unknown", text: messageOf(error) }], survey: null };
  }
}

/** The newest backup that can be restored, and when one was; `tested` as testedWords says it. */
export function backupsFact(points: readonly RecoveryPoint[], now: Instant, tested: string): FactView {
  const usable = points.filter((p) => p.status === "ok").toSorted((a, b) => (a.finishedAt < b.finishedAt ? 1 : -1));
  const [last] = usable;
  if (last === undefined) {
    const text = points.length === 0 ? "no backup yet: take one now" : "no backup that can be restored";
    return { label: "BACKUPS", result: "fail", text };
  }
  return {
    label: "BACKUPS",
    result: "pass",
    text: `last ${last.kind} ${agoWords(last.finishedAt, now)}, ${usable.length} in all   restore-tested ${tested}`,
  };
}

function versionWords(version: number): string {
  return `${Math.floor(version / 10_000)}.${version % 10_000}`;
}
