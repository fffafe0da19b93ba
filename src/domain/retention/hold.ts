import type { Instant } from "../instant.ts";
import type { RecoveryPoint } from "../recovery-point.ts";

/** Somebody's word that something must not expire, kept in the repository for every host to see. */
export interface Hold {
  readonly cluster: string;
  /** A point's id; null: everything of the cluster. */
  readonly point: string | null;
  /** The run that put it, and ends it; null: a person did. */
  readonly run: string | null;
  readonly reason: string;
  /** `user@host`, or whoever was named. */
  readonly owner: string;
  readonly since: Instant;
  /** It ends by itself then; null: only when it is released. */
  readonly until: Instant | null;
}

/** Whether a hold is still in force. */
function isInForce(hold: Hold, now: Instant): boolean {
  return hold.until === null || now < hold.until;
}

/** The reason why each held point is kept, by its id. */
export function coveredBy(
  holds: readonly Hold[],
  points: readonly RecoveryPoint[],
  now: Instant,
): ReadonlyMap<string, string> {
  const covered = new Map<string, string>();
  for (const hold of holds.filter((h) => isInForce(h, now)))
    for (const point of points)
      if (hold.point === null || hold.point === point.id)
        covered.set(point.id, `held by ${hold.owner}: ${hold.reason}`);
  return covered;
}
