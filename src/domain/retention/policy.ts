import type { PointKind } from "../recovery-point.ts";

/** The rules by which points are kept, strongest first: a point that several keep is named after the first. */
export const keepRules = ["yearly", "monthly", "weekly", "daily", "default"] as const;
export type KeepRule = (typeof keepRules)[number];

/** What a policy says of one kind of backup. A count of 0 is a rule that keeps nothing. */
export interface KindPolicy {
  /** Every point at most that much older than the newest one; null: no such rule. */
  readonly keepSeconds: number | null;
  /** The newest so many, whatever their day. */
  readonly last: number;
  /** The first successful one of each of the newest so many days (weeks, months, years) that have one. */
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
  readonly yearly: number;
  /** Never fewer usable points than these, whatever the other rules say. */
  readonly minimum: number;
}

/** A named policy; null for a kind: nothing of it expires. */
export interface RetentionPolicy {
  readonly name: string;
  readonly base: KindPolicy | null;
  readonly dump: KindPolicy | null;
  /** How much longer than the oldest kept window needs it WAL is kept. */
  readonly walBufferSeconds: number;
  /** In which days, weeks, months and years are counted (IANA); null: UTC. */
  readonly timeZone: string | null;
}

/** How long a rule keeps a point that was taken by hand and names it: the rule's count of its periods. null: for ever. */
export function secondsOfRule(policy: KindPolicy, rule: KeepRule): number | null {
  const day = 86_400;
  const periods = { yearly: 366 * day, monthly: 31 * day, weekly: 7 * day, daily: day };
  return rule === "default" ? policy.keepSeconds : policy[rule] * periods[rule];
}

/** What a policy says of points of a kind; incremental ones go with the base backups. null: they never expire. */
export function policyFor(policy: RetentionPolicy, kind: PointKind): KindPolicy | null {
  if (kind === "base" || kind === "incremental") return policy.base;
  return kind === "dump" ? policy.dump : null;
}
