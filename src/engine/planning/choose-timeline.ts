import { shortInstant, type Instant } from "../../domain/instant.ts";
import { historyOf, timelinesOf } from "../../domain/inventory.ts";
import { formatLsn, type Lsn } from "../../domain/lsn.ts";
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
 * Chooses the timeline of a target that names none: production's own where it is known, else the one with the newest
 * commit. PostgreSQL's default, "latest", would follow whatever branch an earlier attempt left in the archive.
 */
export async function chooseTimeline(
  source: WalSource,
  reader: WalReader,
  asked: TimelineId | null,
  current: TimelineId | null,
): Promise<TimelineChoice> {
  const { inventory } = source;
  const all = timelinesOf(inventory);
  if (asked !== null) return { order: [asked], warnings: [] };
  if (all.length < 2) return { order: all, warnings: [] };
  const branches: { readonly timeline: TimelineId; readonly last: Instant; readonly fork: Lsn | null }[] = [];
  for (const timeline of all) {
    const last = await lastOwnCommit(source, reader, timeline);
    if (last !== null) branches.push({ timeline, ...last });
  }
  branches.sort((a, b) => (a.last > b.last ? -1 : a.last < b.last ? 1 : b.timeline - a.timeline));
  const chosen = current !== null && all.includes(current) ? current : (branches[0]?.timeline ?? all.at(-1) ?? 1);
  const history = historyOf(inventory, chosen);
  // An ancestor whose commits all lie before the fork is part of the way, not another branch.
  const others = branches.filter(
    (b) => b.timeline !== chosen && (forkOf(history, b.timeline) === null || b.fork !== null),
  );
  const warnings = others.map(
    (b) =>
      `timeline ${b.timeline} holds commits until ${shortInstant(b.last)} UTC that timeline ${chosen} does not${b.fork === null ? "" : ` (it was left at ${formatLsn(b.fork)})`}; choose it with --target-timeline ${b.timeline}`,
  );
  return { order: [chosen, ...all.filter((t) => t !== chosen).toReversed()], warnings };
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
