import { compose } from "../compose.ts";
import { shortInstant } from "../domain/instant.ts";
import { formatLsn } from "../domain/lsn.ts";
import { formatBytes } from "../domain/quantity.ts";
import { windowStrip } from "../domain/window-strip.ts";
import { lastTestOf, withTests } from "../domain/rehearsal.ts";
import { pointsDocument } from "../engine/planning/points-document.ts";
import { surveyRepositories, type Survey } from "../engine/planning/survey.ts";
import type { Command } from "./command.ts";
import { rehearsalsHere } from "./measured.ts";
import { openRepositories } from "./open-repositories.ts";
import { planningWorld } from "./planning.ts";
import { runsPlace } from "./runs-place.ts";
import { openSettings } from "./settings.ts";
import { testedWords, type TestRecord } from "./tested-words.ts";

export const command: Command = {
  summary: "what can be recovered: backups, windows of reachable moments, holes",
  usage: "points",
  description:
    "A window goes from the end of a backup to the last commit in unbroken WAL: every moment in it can be\nreached. WAL in pg_wal of a server that is down counts, too. Exit codes: 0, and 3 with --strict when\nthere are warnings or holes.",
  options: { strict: { type: "boolean", summary: "warnings and holes make exit code 3" } },
  examples: [
    "pgrescue points                                   # all repositories of the cluster",
    "pgrescue points --repository file:///mnt/backup   # on an empty host, without configuration",
    "pgrescue points --json | jq '.windows[]'          # schema pgrescue.points/v1",
  ],
  run: async (args, terminal) => {
    const settings = await openSettings(args, terminal);
    const world = compose(settings, terminal.env);
    const repositories = await openRepositories(settings, world);
    const place = settings.cluster?.dataDirectory;
    const found = place === undefined ? null : await world.postgres.inspect(place).catch(() => null);
    const survey = await surveyRepositories(
      planningWorld(repositories, world, found, { live: false }),
      settings.clusterName,
    );
    const rehearsals = await rehearsalsHere(await runsPlace(settings));
    if (args.flag("json"))
      terminal.print(JSON.stringify(pointsDocument({ ...survey, points: withTests(survey.points, rehearsals ?? []) })));
    else for (const line of pointsLines(survey, { rehearsals, now: world.clock.now() })) terminal.print(line);
    return args.flag("strict") && (survey.warnings.length > 0 || survey.holes.length > 0) ? 3 : 0;
  },
};

/** The survey for people, within 80 columns; below a point that was restored here when that was last. */
export function pointsLines(survey: Survey, tests: TestRecord): readonly string[] {
  const places = new Map<
    string,
    { readonly cluster: string; readonly repository: string; readonly systemIdentifier: string }
  >();
  for (const { cluster, repository, systemIdentifier } of [...survey.points, ...survey.windows, ...survey.holes]) {
    places.set(`${repository} ${cluster} ${systemIdentifier}`, { cluster, repository, systemIdentifier });
  }
  const lines = [...places.values()].flatMap((place) => placeLines(survey, place, tests));
  if (lines.length === 0) lines.push("No backups are here yet. Take one with `pgrescue backup`.");
  return [...lines, ...survey.warnings.map((warning) => `[WARN] ${visible(warning)}`)];
}

function placeLines(
  survey: Survey,
  place: { readonly cluster: string; readonly repository: string; readonly systemIdentifier: string },
  { rehearsals, now }: TestRecord,
): string[] {
  const here = (x: typeof place): boolean =>
    x.cluster === place.cluster && x.repository === place.repository && x.systemIdentifier === place.systemIdentifier;
  const points = survey.points.filter(here);
  const windows = survey.windows.filter(here);
  const width = Math.max(5, ...points.map((p) => p.id.length));
  const strip = windowStrip(
    windows,
    points.filter((p) => p.status === "ok").map((p) => p.finishedAt),
    60,
  );
  return [
    `${visible(place.cluster)} in ${visible(place.repository)}, ${place.systemIdentifier === "" ? "dumps" : `system ${place.systemIdentifier}`}${points.some((p) => p.encrypted) ? ", encrypted" : ""}`,
    "",
    `  ${"POINT".padEnd(width)}  KIND  FINISHED (UTC)   TL     SIZE   STORED  STATUS`,
    ...points.flatMap((p) => [
      `  ${visible(p.id).padEnd(width)}  ${p.kind.slice(0, 4).padEnd(4)}  ${shortInstant(p.finishedAt)}  ${String(p.timeline).padStart(2)}  ${formatBytes(p.bytes).padStart(7)}  ${formatBytes(p.storedBytes).padStart(7)}  ${p.status}`,
      ...(p.reason === undefined ? [] : [`      ${visible(p.reason)}`]),
      ...[lastTestOf(p, rehearsals ?? [])].flatMap((test) =>
        test === null ? [] : [`      restored and checked ${testedWords(test, now)} (${test.run})`],
      ),
    ]),
    "",
    ...(strip === null
      ? []
      : [
          `  ${strip.line}`,
          `  ${shortInstant(strip.from)}${" ".repeat(Math.max(2, strip.line.length - 30))}${strip.line.length < 32 ? "" : shortInstant(strip.until)}`,
        ]),
    ...windows.map((w) => {
      const end =
        w.until.at === null
          ? `${formatLsn(w.until.lsn)}, last commit not known`
          : `${shortInstant(w.until.at)} UTC (xid ${w.until.xid}, ${formatLsn(w.until.lsn)})`;
      return `  window  timeline ${w.timeline}: ${shortInstant(w.from.at)} to ${end}`;
    }),
    ...(windows.length === 0 ? ["  no moment can be reached"] : []),
    ...survey.holes
      .filter(here)
      .map((h) => `  hole    ${h.fromSegment}${h.fromSegment === h.toSegment ? "" : ` to ${h.toSegment}`}`),
    "",
  ];
}

/** Names come from storage: control characters are not passed on to the terminal. */
function visible(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, "?");
}
