import { listRuns } from "../adapters/journal/run-directory.ts";
import { compose } from "../compose.ts";
import { messageOf, PgrescueError } from "../domain/errors.ts";
import { formatInstant, instant, parseInstant, shortInstant, type Instant } from "../domain/instant.ts";
import { formatDuration, parseDuration } from "../domain/quantity.ts";
import { runKinds } from "../domain/run/events.ts";
import { isGood, mergeRecords, recordOf, type RunRecord } from "../domain/run/record.ts";
import type { Arguments, Command, Terminal } from "./command.ts";
import { openRunRecord } from "./run/find-run.ts";
import { runsPlace } from "./runs-place.ts";
import { openSettings, type Settings } from "./settings.ts";

/** Runs that are looked at, of each repository and of this host. */
const mostRuns = 5000;

export const command: Command = {
  summary: "every run of every cluster: backups, recoveries, expiries, copies, checks",
  usage: "history [--since TIME] [--kind KIND] [--status good|bad]",
  description:
    "The runs of all hosts, from the repositories, together with this host's own. Newest first. Without --cluster it\nis the history of every cluster in the configuration. What a repository that cannot be read would add is said to\nbe missing. Exit codes: 0, and 3 where something could not be read.",
  options: {
    since: { type: "string", value: "TIME", summary: "a duration like 7d, or a time in ISO 8601 (default 30d)" },
    kind: { type: "string", choices: runKinds, summary: "only runs of that kind" },
    status: { type: "string", choices: ["good", "bad"], summary: "only runs that reached their end well, or did not" },
    limit: { type: "string", value: "N", summary: "at most so many (default 50; with --json all)" },
  },
  examples: [
    "pgrescue history                              # the last 30 days",
    "pgrescue history --kind backup --status bad   # which backups failed, and why",
    "pgrescue history --since 365d --json | jq '.runs[] | select(.kind == \"recovery\")'",
  ],
  run: async (args, terminal) => {
    const settings = await openSettings(args, terminal);
    const { since, limit } = optionsOf(args, instant(BigInt(Date.now()) * 1000n));
    const { records, warnings } = await readHistory(settings, terminal, since);
    const [kind, status] = [args.string("kind"), args.string("status")];
    const chosen = records
      .filter((r) => kind === undefined || r.kind === kind)
      .filter((r) => status === undefined || isGood(r) === (status === "good"));
    if (args.flag("json"))
      terminal.print(
        JSON.stringify({ schema: "pgrescue.history/v1", runs: chosen.slice(0, limit).map(entry), warnings }),
      );
    else {
      for (const line of historyLines(chosen.slice(0, limit))) terminal.print(line);
      if (chosen.length > limit) terminal.print(`${chosen.length - limit} more; show them with --limit.`);
      for (const warning of warnings) terminal.log(`[WARN] ${warning}`);
    }
    return warnings.length > 0 ? 3 : 0;
  },
};

function optionsOf(args: Arguments, now: Instant): { readonly since: Instant; readonly limit: number } {
  const text = args.string("since") ?? "30d";
  const seconds = parseDuration(text);
  const since = seconds === null ? parseInstant(text) : instant(now - BigInt(Math.round(seconds * 1e6)));
  if (since === null)
    throw new PgrescueError("usage", `--since ${text} is neither a duration nor a time`, {
      next: "Write it like 7d, 12h, or 2026-11-01T00:00:00Z.",
    });
  const asked = args.string("limit") ?? (args.flag("json") ? "100000" : "50");
  const limit = Number(asked);
  if (!Number.isInteger(limit) || limit < 1)
    throw new PgrescueError("usage", `--limit ${asked} is no number of runs`, { next: "Give one from 1 up." });
  return { since, limit };
}

/** The runs of all places since a moment, and what could not be read. */
export async function readHistory(
  settings: Settings,
  terminal: Pick<Terminal, "env">,
  since: Instant,
): Promise<{ readonly records: readonly RunRecord[]; readonly warnings: readonly string[] }> {
  const warnings: string[] = [];
  const local = await localRecords(settings, since).catch((error: unknown) => {
    warnings.push(`this host's own runs: ${messageOf(error)}`);
    return [];
  });
  const world = compose(settings, terminal.env);
  const stored: RunRecord[][] = [];
  for (const { cluster, repository } of placesOf(settings)) {
    try {
      const opened = await world.repository(repository);
      stored.push([...((await opened.runs?.(cluster, { since, limit: mostRuns })) ?? [])]);
    } catch (error) {
      if (!(error instanceof PgrescueError)) throw error;
      warnings.push(`${cluster} in ${repository}: ${messageOf(error)}`);
    }
  }
  const asked = settings.clusterName;
  const own = local.filter(({ cluster }) => asked === null || cluster === asked);
  // A run's own journal knows more than what it wrote into the repository at its end.
  return { records: mergeRecords([own, ...stored]), warnings };
}

/** Which cluster's history is looked for where. */
function placesOf(settings: Settings): readonly { readonly cluster: string; readonly repository: string }[] {
  if (settings.clusterName !== null) {
    const cluster = settings.clusterName;
    return settings.repositories.map(({ name }) => ({ cluster, repository: name }));
  }
  return Object.entries(settings.loaded.config.clusters).flatMap(([cluster, { repositories }]) =>
    repositories.map((repository) => ({ cluster, repository })),
  );
}

async function localRecords(settings: Settings, since: Instant): Promise<readonly RunRecord[]> {
  const place = await runsPlace(settings);
  const records: RunRecord[] = [];
  for (const id of (await listRuns(place)).slice(0, mostRuns)) {
    const run = await openRunRecord(place, id).catch(() => null);
    const record = run === null ? null : recordOf(run.state);
    if (record === null) continue;
    // Newest first: what comes now is older still. A day more, since names have the minute of another clock.
    if (record.openedAt < since - 86_400_000_000n) break;
    if (record.openedAt >= since) records.push(record);
  }
  return records;
}

function entry(record: RunRecord): object {
  return {
    ...record,
    openedAt: formatInstant(record.openedAt),
    endedAt: record.endedAt === null ? null : formatInstant(record.endedAt),
  };
}

/** A table within 80 columns; under a run that went wrong what happened. */
export function historyLines(records: readonly RunRecord[]): readonly string[] {
  if (records.length === 0) return ["No runs in that time."];
  const width = Math.max(7, ...records.map(({ cluster }) => cluster.length));
  return [
    `OPENED (UTC)     ${"CLUSTER".padEnd(width)}  KIND      TOOK    RESULT              RUN`,
    ...records.flatMap((r) => [
      `${shortInstant(r.openedAt).padEnd(15)}  ${visible(r.cluster).padEnd(width)}  ${(r.backup ?? r.kind).padEnd(8)}  ${took(r).padEnd(6)}  ${r.result.padEnd(18)}  ${r.run}`,
      ...(isGood(r) || r.message === null ? [] : [`    ${visible(r.message)}`]),
    ]),
  ];
}

function took({ openedAt, endedAt }: RunRecord): string {
  return endedAt === null ? "-" : formatDuration(Number(endedAt - openedAt) / 1e6);
}

/** Texts come from storage: control characters are not passed on to the terminal. */
function visible(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, "?");
}
