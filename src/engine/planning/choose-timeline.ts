import { shortInstant, type Instant } from "../../domain/instant.ts";
import { historyOf, timelinesOf } from "../../domain/inventory.ts";
import { formatLsn, type Lsn } from "../../domain/lsn.ts";
import type { RecoveryPoint } from "../../domain/recovery-point.ts";
import type { TimelineId } from "../../domain/segment.ts";
import { coveredAlong } from "../../domain/timeline-path.ts";
import { forkOf } from "../../domain/timeline.ts";
import type { WalReader, WalSource } from "../../ports/wal-reader.ts";
import { lastCommitIn, openPath } from "./wal-path.ts";

/** In which order timelines are looked at, and what the operator should know about the others. */
export interface TimelineChoice {
  readonly order: readonly TimelineId[];
  readonly warnings: readonly string[];
}

const searchLimit = 64;

/**
 * Chooses the timeline of a target that names none: production's own where it is known, else the highest one that has
 * WAL or a backup, as PostgreSQL's "latest" does. The newest commit is no guide: after a rewind it is one that was left
 * behind on purpose, until the new timeline has commits of its own.
 */
export async function chooseTimeline(
  source: WalSource,
  reader: WalReader,
  asked: TimelineId | null,
  current: TimelineId | null,
  points: readonly Pick<RecoveryPoint, "timeline">[],
): Promise<TimelineChoice> {
  const { inventory } = source;
  const all = [...new Set([...timelinesOf(inventory), ...points.map((p) => p.timeline)])].sort((a, b) => a - b);
  if (asked !== null) return { order: [asked], warnings: [] };
  const highest = all.findLast((t) => [...inventory.ranges, ...points].some((x) => x.timeline === t)) ?? all.at(-1);
  if (highest === undefined) return { order: [], warnings: [] };
  const isKnown = current !== null && all.includes(current);
  const chosen = isKnown ? current : highest;
  const order = [chosen, ...all.filter((t) => t !== chosen).toReversed()];
  const unknown =
    current !== null && !isKnown
      ? [`production is on timeline ${current}, of which nothing is stored; timeline ${chosen} is followed`]
      : [];
  const branches = await branchesBeside(chosen, all, source, reader);
  return { order, warnings: [...unknown, ...branches] };
}

/** Says what the timelines hold that the chosen one does not, the newest commit first, and how to choose them. */
async function branchesBeside(
  chosen: TimelineId,
  all: readonly TimelineId[],
  source: WalSource,
  reader: WalReader,
): Promise<readonly string[]> {
  const { inventory } = source;
  const history = historyOf(inventory, chosen);
  const branches: { readonly timeline: TimelineId; readonly last: Instant; readonly fork: Lsn | null }[] = [];
  for (const timeline of all) {
    const last = timeline === chosen ? null : await lastOwnCommit(source, reader, timeline);
    // An ancestor whose commits all lie before the fork is part of the way, not another branch.
    if (last !== null && (forkOf(history, timeline) === null || last.fork !== null))
      branches.push({ timeline, ...last });
  }
  branches.sort((a, b) => (a.last > b.last ? -1 : a.last < b.last ? 1 : b.timeline - a.timeline));
  const held = branches.map(
    (b) =>
      `timeline ${b.timeline} holds commits until ${shortInstant(b.last)} UTC that timeline ${chosen} does not${b.fork === null ? "" : ` (it was left at ${formatLsn(b.fork)})`}; choose it with --target-timeline ${b.timeline}`,
  );
  // A promotion's first act is to archive the history: what was done after it may have been production.
  const begun = all
    .filter((t) => t > chosen && !inventory.ranges.some((range) => range.timeline === t))
    .map(
      (t) =>
        `timeline ${t} was begun after timeline ${chosen}, without wal of its own; choose it with --target-timeline ${t}`,
    );
  return [...held, ...begun];
}

/** The last commit on the timeline itself, and the fork it lies behind when a later timeline left before it. */
async function lastOwnCommit(
  source: WalSource,
  reader: WalReader,
  timeline: TimelineId,
): Promise<{ readonly last: Instant; readonly fork: Lsn | null } | null> {
  const { inventory } = source;
  const path = openPath(source, reader, timeline);
  const range = coveredAlong(path.history, inventory).at(-1);
  const began = path.history.switches.at(-1)?.switchedAt ?? null;
  if (range === undefined || (began !== null && range.until <= began)) return null;
  const own = began !== null && began > range.from ? { from: began, until: range.until } : range;
  const commit = await lastCommitIn(path, own, searchLimit).catch(() => null);
  if (commit === null || commit === "unknown") return null;
  const forks = inventory.histories.flatMap((h) => forkOf(h, timeline) ?? []);
  return { last: commit.at, fork: forks.find((fork) => fork <= commit.lsn) ?? null };
}
