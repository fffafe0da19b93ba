import type { Instant } from "../instant.ts";

/** The moments of a schedule. */
export interface Times {
  /** The first one after; null: there is none any more. */
  next(after: Instant): Instant | null;
  /** The last one not later than; null: there was none. */
  previous(until: Instant): Instant | null;
}

/** A slot that is due now, or was while nobody looked. */
export interface DueSlot {
  readonly slot: Instant;
  /** It is so late that it counts as missed: the machine slept, its clock jumped, or nobody was there. */
  readonly isLate: boolean;
}

/** After so many microseconds a slot is no longer merely a little late. */
const grace = 300_000_000n;

/** The newest slot since another one (not that one itself); of several that passed meanwhile the older ones are over. null: none. */
export function dueSince(times: Times, since: Instant, now: Instant): DueSlot | null {
  const slot = times.previous(now);
  return slot === null || slot <= since ? null : { slot, isLate: now - slot > grace };
}
