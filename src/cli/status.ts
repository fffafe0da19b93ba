import { listRuns } from "../adapters/journal/run-directory.ts";
import { compose } from "../compose.ts";
import type { Json } from "../domain/brand.ts";
import { formatInstant, shortInstant } from "../domain/instant.ts";
import { gravest, type Verdict } from "../domain/verdict.ts";
import { askChecks, type CheckContext } from "../engine/check.ts";
import { loadChecks, type CheckName } from "../engine/checks/registry.ts";
import { pointEntry } from "../engine/planning/points-document.ts";
import { findingMark } from "../faces/marks.ts";
import { runAsOwner } from "./as-owner.ts";
import { openCheckContext } from "./check-context.ts";
import type { Command } from "./command.ts";
import { openRunRecord } from "./run/find-run.ts";
import { openSettings, requireCluster } from "./settings.ts";

/** What a look at the present needs; the set-up is doctor's. */
const asked: readonly CheckName[] = [
  "right-host",
  "server",
  "archiver",
  "archiver-queue",
  "repositories",
  "newest-backup",
  "windows",
];

export const command: Command = {
  summary: "how are we now: server, newest backup, what can be reached, archiving, last runs",
  usage: "status",
  description:
    "One screen; changes nothing. Exit codes: 0, and with --strict 3 for warnings, 50 for failures, 51 for unknowns.",
  options: { strict: { type: "boolean", summary: "trouble shows in the exit code" } },
  examples: [
    "pgrescue status                    # the same as pgrescue without a terminal",
    "pgrescue status --json | jq .result",
  ],
  run: async (args, terminal) => {
    const settings = requireCluster(await openSettings(args, terminal));
    const code = await runAsOwner("status", args, settings, terminal);
    if (code !== null) return code;
    await using context = await openCheckContext(settings, compose(settings, terminal.env));
    const verdicts: Verdict[] = [];
    for await (const verdict of askChecks(await loadChecks(asked), context)) verdicts.push(verdict);
    const runs = await lastRuns(settings.stateDirectory);
    if (args.flag("json")) terminal.print(JSON.stringify(statusDocument(context, verdicts, runs)));
    else for (const line of statusLines(context, verdicts, runs)) terminal.print(line);
    if (!args.flag("strict")) return 0;
    const result = gravest(verdicts);
    return result === "fail" ? 50 : result === "unknown" ? 51 : result === "warn" ? 3 : 0;
  },
};

interface LastRun {
  readonly id: string;
  readonly kind: string;
  readonly openedAt: string | null;
  readonly outcome: string;
}

/** The newest runs of the state directory, at most five. A journal that cannot be read is said, not thrown. */
async function lastRuns(stateDirectory: string): Promise<readonly LastRun[]> {
  const ids = await listRuns(stateDirectory).catch(() => []);
  return await Promise.all(
    ids.slice(0, 5).map(async (id) => {
      const run = await openRunRecord(stateDirectory, id).catch(() => null);
      const header = run?.state.header ?? null;
      return {
        id,
        kind: header?.kind ?? "unknown",
        openedAt: header?.openedAt ?? null,
        outcome: run === null ? "journal cannot be read" : (run.state.outcome?.result ?? "not ended"),
      };
    }),
  );
}

/** `pgrescue.status/v1`. */
function statusDocument(context: CheckContext, verdicts: readonly Verdict[], runs: readonly LastRun[]): Json {
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
    verdicts: verdicts.map((verdict) => ({ ...verdict })),
    runs: runs.map((run) => ({ ...run })),
  };
}

function statusLines(context: CheckContext, verdicts: readonly Verdict[], runs: readonly LastRun[]): readonly string[] {
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
    ...(shown.length === 0 ? [] : ["Last runs:", ...shown]),
  ];
}

function newestPoint({ survey }: CheckContext) {
  return (
    (survey?.points ?? [])
      .filter((point) => point.status === "ok")
      .sort((a, b) => Number(b.finishedAt - a.finishedAt))[0] ?? null
  );
}
