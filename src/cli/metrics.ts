import { join } from "node:path";
import { writeFileDurably } from "../adapters/system/durable-file.ts";
import { compose, type Composition } from "../compose.ts";
import { instant } from "../domain/instant.ts";
import { metricsOf, metricsText, type ClusterFacts } from "../domain/metrics.ts";
import { coveredBy } from "../domain/retention/hold.ts";
import { lastArchivedAt, missingSegments, readySegments } from "../engine/wal-measures.ts";
import type { CheckContext } from "../engine/check.ts";
import { openCheckContext } from "./check-context.ts";
import type { Command, Terminal } from "./command.ts";
import { readHistory } from "./history.ts";
import { rehearsalsHere } from "./measured.ts";
import { runsPlace } from "./runs-place.ts";
import { openSettings, requireCluster, type Settings } from "./settings.ts";
import { runAsOwner } from "./as-owner.ts";
import { version } from "./version.ts";

/** How far back failures are looked for. */
const days = 40n * 86_400_000_000n;

export const command: Command = {
  summary: "numbers for Prometheus: backups, reachable moments, WAL, restore tests",
  usage: "metrics [--output FILE]",
  description:
    "Prometheus' text format, for every cluster of the configuration or the one named. What is not known is left out,\nnever 0; pgrescue_repo_up tells which repository could not be read. Exit codes: 0, and 3 where one could not.",
  options: {
    output: {
      type: "string",
      value: "FILE",
      summary: "replace this file at once, for node_exporter's textfile collector",
    },
  },
  examples: ["pgrescue metrics", "pgrescue metrics --output /var/lib/prometheus/node-exporter/pgrescue.prom"],
  run: async (args, terminal) => {
    const settings = await openSettings(args, terminal);
    const code = await runAsOwner("metrics", args, settings, terminal);
    if (code !== null) return code;
    const { text, isWhole } = await collectMetrics(settings, terminal);
    const output = args.string("output");
    if (output === undefined) terminal.print(text.trimEnd());
    // Readable by whoever collects it: it holds names and numbers only.
    else await writeFileDurably(output.startsWith("/") ? output : join(terminal.cwd, output), text, 0o644);
    return isWhole ? 0 : 3;
  },
};

/** The metrics of the clusters that the settings name, as text; `isWhole`: every repository could be read. */
export async function collectMetrics(
  settings: Settings,
  terminal: Pick<Terminal, "env">,
): Promise<{ readonly text: string; readonly isWhole: boolean }> {
  const names = settings.clusterName !== null ? [settings.clusterName] : Object.keys(settings.loaded.config.clusters);
  const clusters: ClusterFacts[] = [];
  // The error that a configuration without clusters is.
  if (names.length === 0) requireCluster(settings);
  for (const name of names) clusters.push(await factsOf(forCluster(settings, name), terminal));
  return {
    text: metricsText(metricsOf(clusters, { version, node: process.version.slice(1) })),
    isWhole: clusters.every(({ repositories }) => repositories.every(({ up }) => up)),
  };
}

function forCluster(settings: Settings, name: string): Settings & { readonly clusterName: string } {
  if (settings.clusterName === name) return { ...settings, clusterName: name };
  const { clusters, repositories } = settings.loaded.config;
  const cluster = clusters[name] ?? null;
  return {
    ...settings,
    clusterName: name,
    cluster,
    repositories: (cluster?.repositories ?? []).flatMap((repository) => {
      const entry = repositories[repository];
      return entry === undefined ? [] : [{ name: repository, ...entry }];
    }),
  };
}

async function factsOf(
  settings: Settings & { readonly clusterName: string },
  terminal: Pick<Terminal, "env">,
): Promise<ClusterFacts> {
  const world = compose(settings, terminal.env);
  await using context = await openCheckContext(settings, world);
  const since = instant(context.now - days);
  const rehearsals = await rehearsalsHere(await runsPlace(settings));
  const { survey } = context;
  return {
    cluster: context.cluster,
    repositories: context.repositories.map(({ name, repository }) => ({ name, up: repository !== null })),
    points: survey?.points ?? [],
    windows: survey?.windows ?? [],
    holes: survey?.holes ?? [],
    held: await heldIn(context),
    runs: (await readHistory(settings, terminal, since)).records,
    rehearsals: rehearsals?.filter((r) => r.cluster === context.cluster) ?? null,
    lastArchivedAt: await lastArchivedAt(context).catch(() => null),
    readySegments: await readySegments(context).catch(() => null),
    missingSegments: missingSegments(context),
    objectives: context.objectives,
    locked: await lockedIn(context, world),
  };
}

async function heldIn(context: CheckContext): Promise<ReadonlySet<string>> {
  const held = new Set<string>();
  for (const { name, repository } of context.repositories) {
    const own = context.survey?.points.filter((p) => p.repository === name) ?? [];
    const holds = (await repository?.keeping?.holds(context.cluster).catch(() => [])) ?? [];
    for (const id of coveredBy(holds, own, context.now).keys()) held.add(`${name}/${id}`);
  }
  return held;
}

async function lockedIn(context: CheckContext, world: Composition): Promise<ReadonlyMap<string, boolean>> {
  const locked = new Map<string, boolean>();
  for (const { name, repository } of context.repositories) {
    if (repository === null) continue;
    const seen = await (await world.repository(name)).leasing?.observe(context.cluster).catch(() => null);
    if (seen != null) locked.set(name, seen.lease !== null);
  }
  return locked;
}
