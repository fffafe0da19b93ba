import { findDroppedDatabases, halfDropped, type DroppedDatabase } from "../../domain/drop-database.ts";
import { formatInstant } from "../../domain/instant.ts";
import { formatLsn, lsn, type Lsn } from "../../domain/lsn.ts";
import type { PlanRefusal } from "../../domain/refusal.ts";
import type { LsnRange } from "../../domain/timeline-path.ts";
import { eventsOf } from "./find-in-wal.ts";
import { readLimit } from "./find-stop.ts";
import { lastCommitIn, type WalPath } from "./wal-path.ts";

/** The DROP DATABASE that a stop at `stopAt` would leave half done, looking a few segments both ways; null: none. */
export async function halfDroppedAt(path: WalPath, range: LsnRange, stopAt: Lsn): Promise<DroppedDatabase | null> {
  const near = BigInt(path.source.inventory.segmentSize) * 16n;
  const from = lsn(stopAt - near > range.from ? stopAt - near : range.from);
  const until = lsn(stopAt + near < range.until ? stopAt + near : range.until);
  const droppers = new Set<number>();
  const events = await eventsOf(path, { from, until }, readLimit, (event) => {
    if (event.kind === "database-dropped") droppers.add(event.xid);
    return (
      event.kind === "shared-row" ||
      event.kind === "database-dropped" ||
      (event.kind === "commit" && droppers.has(event.xid))
    );
  });
  return halfDropped(findDroppedDatabases(events ?? []), stopAt);
}

/** Why such a stop is refused, with the last commit before the drop. */
export async function halfDroppedRefusal(path: WalPath, range: LsnRange, drop: DroppedDatabase): Promise<PlanRefusal> {
  const earlier = await lastCommitIn(path, { from: range.from, until: drop.from }, readLimit);
  const known = earlier === null || earlier === "unknown" ? null : earlier;
  return {
    refusal: "half-dropped-database",
    message: `recovery would stop inside the DROP DATABASE of transaction ${drop.xid}: the files of database ${drop.database} are gone before that commits`,
    next:
      known === null
        ? `Choose a position at or before ${formatLsn(drop.from)} with --target-lsn and --exclusive.`
        : `Choose the last earlier commit, included: --target-xid ${known.xid} (${formatInstant(known.at)}).`,
    ...(known === null ? {} : { nearest: { at: known.at, lsn: known.lsn, xid: known.xid } }),
  };
}

/** What is said where stopping earlier, with the same commits kept, got out of a DROP DATABASE's way. */
export function avoidedDrop({ xid, database }: DroppedDatabase): string {
  return `transaction ${xid} drops database ${database}, whose files go before it commits: recovery stops before it begins, with the same commits kept`;
}
