import type { Instant } from "./instant.ts";
import type { RecoveryPoint } from "./recovery-point.ts";
import type { Rehearsal } from "./rehearsal.ts";
import type { RecoveryWindow } from "./coverage.ts";
import { isGood, type RunRecord } from "./run/record.ts";

/** One number with its labels. */
export interface Sample {
  readonly labels: { readonly [name: string]: string };
  readonly value: number;
}

/** A gauge with what it means. All of ours are gauges: times are values, never ages, so that a stale file shows. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** What is known of one cluster; null is "not known", and is left out. */
export interface ClusterFacts {
  readonly cluster: string;
  /** Repositories by name, and whether each could be read. */
  readonly repositories: readonly { readonly name: string; readonly up: boolean }[];
  readonly points: readonly RecoveryPoint[];
  readonly windows: readonly RecoveryWindow[];
  readonly holes: readonly { readonly repository: string }[];
  /** Held points by repository, as `<repository>/<id>`. */
  readonly held: ReadonlySet<string>;
  /** Runs of the last time, newest first. */
  readonly runs: readonly RunRecord[];
  /** Restores that were checked here, newest first; null: this host's runs cannot be read. */
  readonly rehearsals: readonly Rehearsal[] | null;
  readonly lastArchivedAt: Instant | null;
  readonly readySegments: number | null;
  readonly missingSegments: number | null;
  readonly objectives: { readonly rpo: number | null; readonly rto: number | null };
  /** Repositories that somebody has locked, by name; null: not known. */
  readonly locked: ReadonlyMap<string, boolean>;
}

type Value = number | null;

/** The metrics of all clusters, by name (docs/monitoring.md). */
export function metricsOf(
  clusters: readonly ClusterFacts[],
  build: { readonly version: string; readonly node: string },
): readonly Family[] {
  const each = (of: (facts: ClusterFacts) => readonly (readonly [labels: Sample["labels"], value: Value])[]) =>
    clusters.flatMap((facts) =>
      of(facts).flatMap(([labels, value]) =>
        value === null ? [] : [{ labels: { cluster: facts.cluster, ...labels }, value }],
      ),
    );
  const all: readonly (readonly [name: string, help: string, samples: readonly Sample[]])[] = [
    ["build_info", "Version of pgrescue and of Node.", [{ labels: { ...build }, value: 1 }]],
    [
      "repo_up",
      "Whether the repository could be read (1) or not (0).",
      each((c) => c.repositories.map(({ name, up }) => [{ repo: name }, up ? 1 : 0])),
    ],
    [
      "backup_last_success_timestamp_seconds",
      "When the newest usable backup ended.",
      each((c) => newest(c).map((p) => [labelsOf(p), secondsOf(p.finishedAt)])),
    ],
    [
      "backup_last_failure_timestamp_seconds",
      "When the last backup that did not end well was begun.",
      each((c) => lastRuns(c, (r) => !isGood(r)).map((r) => [runLabels(r), secondsOf(r.openedAt)])),
    ],
    [
      "backup_last_exit_code",
      "Exit code of the last backup that ended.",
      each((c) => lastRuns(c, (r) => r.exitCode !== null).map((r) => [runLabels(r), r.exitCode])),
    ],
    [
      "backup_duration_seconds",
      "How long the newest usable backup took.",
      each((c) => newest(c).map((p) => [labelsOf(p), Number(p.finishedAt - p.startedAt) / 1e6])),
    ],
    [
      "backup_size_bytes",
      "Bytes of the database files in the newest usable backup.",
      each((c) => newest(c).map((p) => [labelsOf(p), p.bytes])),
    ],
    [
      "backup_stored_bytes",
      "Bytes that the newest usable backup takes in the repository.",
      each((c) => newest(c).map((p) => [labelsOf(p), p.storedBytes])),
    ],
    [
      "backup_count",
      "Backups by state: ok, locked (held), suspect (unfinished, damaged or without their WAL).",
      each((c) => counts(c)),
    ],
    [
      "recovery_first_point_timestamp_seconds",
      "The earliest moment that can be reached.",
      each((c) => perRepository(c, (own) => least(own.windows.map((w) => w.from.at)))),
    ],
    [
      "recovery_last_point_timestamp_seconds",
      "The last commit in unbroken WAL behind a usable backup: the latest moment that can be reached.",
      each((c) => perRepository(c, (own) => greatest(own.windows.map((w) => w.until.at)))),
    ],
    ["recovery_hole_count", "Holes in the stored WAL.", each((c) => perRepository(c, (own) => own.holes.length))],
    [
      "wal_archive_last_segment_timestamp_seconds",
      "When the server last archived a WAL file, by its own word.",
      each((c) => [[{}, c.lastArchivedAt === null ? null : secondsOf(c.lastArchivedAt)]]),
    ],
    ["wal_ready_segments", "WAL files that wait for the archive.", each((c) => [[{}, c.readySegments]])],
    [
      "wal_missing_segments",
      "WAL segments that are missing between stored ones.",
      each((c) => [[{}, c.missingSegments]]),
    ],
    [
      "restore_test_last_success_timestamp_seconds",
      "When a restore was last checked on this host.",
      each((c) => tests(c).map((t) => [{ scenario: t.method }, secondsOf(t.at)])),
    ],
    [
      "restore_test_rto_seconds",
      "How long that restore took.",
      each((c) => tests(c).map((t) => [{ scenario: t.method }, t.seconds])),
    ],
    ["slo_rto_seconds", "The objective for the time to recover.", each((c) => [[{}, c.objectives.rto]])],
    ["slo_rpo_seconds", "The objective for the data that may be lost.", each((c) => [[{}, c.objectives.rpo]])],
    [
      "run_lock_held",
      "Whether a run has the repository locked.",
      each((c) => [...c.locked].map(([repo, held]) => [{ repo }, held ? 1 : 0])),
    ],
  ];
  return all.map(([name, help, samples]) => ({ name: `pgrescue_${name}`, help, samples }));
}

/** Prometheus' text format, which OpenMetrics parsers read, too. Families without a sample are left out. */
export function metricsText(families: readonly Family[]): string {
  const lines = families
    .filter(({ samples }) => samples.length > 0)
    .flatMap(({ name, help, samples }) => [
      `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}`,
      `# TYPE ${name} gauge`,
      ...samples.map(({ labels, value }) => `${name}${labelText(labels)} ${value}`),
    ]);
  return `${[...lines, "# EOF"].join("\n")}\n`;
}

function labelText(labels: Sample["labels"]): string {
  const parts = Object.entries(labels).map(
    ([name, value]) =>
      `${name}="${value
        .replaceAll("\\", "\\\\")
        .replaceAll('"', String.raw`\"`)
        .replaceAll("\n", "\\n")}"`,
  );
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}

function secondsOf(at: Instant): number {
  return Number(at) / 1e6;
}

function labelsOf({ repository, kind }: RecoveryPoint): Sample["labels"] {
  return { repo: repository, kind };
}

function runLabels({ repository, backup }: RunRecord): Sample["labels"] {
  return { repo: repository ?? "", kind: backup ?? "" };
}

/** The newest usable point of each kind in each repository. */
function newest({ points }: ClusterFacts): readonly RecoveryPoint[] {
  const found = new Map<string, RecoveryPoint>();
  for (const point of points) {
    if (point.status !== "ok") continue;
    const key = `${point.repository} ${point.kind}`;
    const known = found.get(key);
    if (known === undefined || known.finishedAt < point.finishedAt) found.set(key, point);
  }
  return [...found.values()];
}

/** The last backup run of each kind in each repository that fits. */
function lastRuns({ runs }: ClusterFacts, fits: (run: RunRecord) => boolean): readonly RunRecord[] {
  const found = new Map<string, RunRecord>();
  for (const run of runs) {
    const key = `${run.repository} ${run.backup}`;
    // One that is still at work has not failed.
    const isOver = run.exitCode !== null;
    if (run.backup !== null && isOver && fits(run) && !found.has(key)) found.set(key, run);
  }
  return [...found.values()];
}

function counts({ points, held }: ClusterFacts): readonly (readonly [Sample["labels"], number])[] {
  const found = new Map<string, { labels: Sample["labels"]; count: number }>();
  for (const point of points) {
    const state =
      point.status !== "ok" && point.status !== "archived"
        ? "suspect"
        : held.has(`${point.repository}/${point.id}`)
          ? "locked"
          : "ok";
    const labels = { ...labelsOf(point), state };
    const key = JSON.stringify(labels);
    const entry = found.get(key) ?? { labels, count: 0 };
    entry.count++;
    found.set(key, entry);
  }
  return [...found.values()].map(({ labels, count }) => [labels, count] as const);
}

function perRepository(
  facts: ClusterFacts,
  of: (own: Pick<ClusterFacts, "windows" | "holes">) => Value,
): readonly (readonly [Sample["labels"], Value])[] {
  return facts.repositories
    .filter(({ up }) => up)
    .map(({ name }) => {
      const isOwn = (x: { readonly repository: string }): boolean => x.repository === name;
      return [{ repo: name }, of({ windows: facts.windows.filter(isOwn), holes: facts.holes.filter(isOwn) })] as const;
    });
}

/** The newest test of each scenario. */
function tests({ rehearsals }: ClusterFacts): readonly Rehearsal[] {
  const found = new Map<string, Rehearsal>();
  for (const test of rehearsals ?? []) {
    const known = found.get(test.method);
    if (known === undefined || known.at < test.at) found.set(test.method, test);
  }
  return [...found.values()];
}

function least(values: readonly (Instant | null)[]): Value {
  const known = values.flatMap((v) => (v === null ? [] : [secondsOf(v)]));
  return known.length === 0 ? null : Math.min(...known);
}

function greatest(values: readonly (Instant | null)[]): Value {
  const known = values.flatMap((v) => (v === null ? [] : [secondsOf(v)]));
  return known.length === 0 ? null : Math.max(...known);
}
