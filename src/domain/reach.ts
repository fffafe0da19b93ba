import type { WalInventory } from "./coverage.ts";
import type { Lsn } from "./lsn.ts";
import type { RecoveryPoint } from "./recovery-point.ts";
import { reachOf } from "./standing.ts";
import { isOnPath } from "./timeline-path.ts";
import type { TimelineHistory } from "./timeline.ts";

/** Points that roll forward to the same end of unbroken WAL. */
export interface Reach {
  /** By where they end, earliest first; never empty. */
  readonly points: readonly RecoveryPoint[];
  /** Replay of the first of them begins here. */
  readonly from: Lsn;
  /** Unbroken WAL ends here. */
  readonly until: Lsn;
}

/** What can be reached along a way, oldest first. Holes lie between: no moment in a hole can be reached. */
export function reachesAlong(
  history: TimelineHistory,
  inventory: WalInventory,
  points: readonly RecoveryPoint[],
): Reach[] {
  const usable = points
    .filter((p) => p.status === "ok" && (p.kind === "base" || p.kind === "incremental") && isOnPath(p, history))
    .sort((a, b) => (a.stopLsn < b.stopLsn ? -1 : a.stopLsn > b.stopLsn ? 1 : 0));
  const reaches: { points: RecoveryPoint[]; from: Lsn; until: Lsn }[] = [];
  for (const point of usable) {
    const until = reachOf(point, history, inventory);
    if (until === null) continue;
    const known = reaches.find((r) => r.until === until);
    if (known === undefined) reaches.push({ points: [point], from: point.startLsn, until });
    else {
      known.points.push(point);
      if (point.startLsn < known.from) known.from = point.startLsn;
    }
  }
  return reaches.sort((a, b) => (a.until < b.until ? -1 : 1));
}

/** The point to begin with: the one that ends last but not after `stopAt`. null: all of them end later. */
export function pointBefore(reach: Reach, stopAt: Lsn): RecoveryPoint | null {
  return reach.points.findLast((p) => p.stopLsn <= stopAt) ?? null;
}
