import { civilFromDays, daysFromCivil, type CivilDay } from "../civil.ts";
import { shortInstant, splitUtc, type Instant } from "../instant.ts";
import { formatDuration } from "../quantity.ts";
import type { RecoveryPoint } from "../recovery-point.ts";
import { keepRules, policyFor, secondsOfRule, type KeepRule, type KindPolicy, type RetentionPolicy } from "./policy.ts";

/** What a policy decides of one point, and why. */
export interface PointDecision {
  readonly point: RecoveryPoint;
  readonly action: "keep" | "delete";
  /** The rule that keeps it; `other`: something beside the policy does (a hold, its being the newest). null: deleted. */
  readonly rule: KeepRule | "other" | null;
  /** In words: `first of the week of 2026-11-16`, `older than everything the policy keeps`. */
  readonly reason: string;
  /** Whether every later moment shall be reachable from it: its WAL is kept without a gap. */
  readonly isWindow: boolean;
}

export interface RetentionFacts {
  /** The clock of whoever expires; decides only what lies in the future and how long something is incomplete. */
  readonly now: Instant;
  /** What must not be touched whatever the policy says, by point id: a hold, a running recovery, an object lock. */
  readonly covered?: ReadonlyMap<string, string>;
  /** How long an unfinished backup is left alone, in seconds. */
  readonly graceSeconds?: number;
  /** The calendar day of a moment in the policy's time zone; UTC without it. */
  readonly dayOf?: (at: Instant) => CivilDay;
}

const day = 86_400;

/**
 * Decides about every point of one system (or of one cluster's dumps). Ages count from the newest usable point, not from
 * the clock: where backups have stopped coming, the old ones stay. Points that cannot be used never count as a backup,
 * and are deleted only when they are older than everything that is kept.
 */
export function judgePoints(
  points: readonly RecoveryPoint[],
  policy: RetentionPolicy,
  facts: RetentionFacts,
): readonly PointDecision[] {
  const decided = new Map<RecoveryPoint, PointDecision>();
  const groups = new Map<KindPolicy | null, RecoveryPoint[]>();
  for (const point of points) {
    const kind = policyFor(policy, point.kind);
    groups.set(kind, [...(groups.get(kind) ?? []), point]);
  }
  for (const [kind, group] of groups) {
    for (const decision of kind === null ? group.map(neverExpires) : judgeKind(group, kind, facts))
      decided.set(decision.point, decision);
  }
  keepParents(points, decided);
  return points.flatMap((point) => decided.get(point) ?? []);
}

function judgeKind(group: readonly RecoveryPoint[], policy: KindPolicy, facts: RetentionFacts): PointDecision[] {
  const usable = group.filter(isUsable).sort(byStart);
  // A point dated in the future was taken by a host whose clock was wrong: it must not make all others look old.
  const dated = usable.filter((p) => p.startedAt <= facts.now);
  const newest = dated.at(-1) ?? null;
  const rules = newest === null ? new Map<RecoveryPoint, Kept>() : rulesOf(dated, newest, policy, facts);
  const enough = new Set(usable.slice(-Math.max(1, policy.minimum)));
  const kept = (point: RecoveryPoint): Kept | null => {
    const covered = facts.covered?.get(point.id);
    if (covered !== undefined) return { rule: "other", reason: covered, isWindow: true };
    const byRule = rules.get(point);
    // Whatever kept the newest ones, the moments after them must stay within reach.
    if (byRule !== undefined) return enough.has(point) ? { ...byRule, isWindow: true } : byRule;
    if (point.startedAt > facts.now) return { rule: "other", reason: "dated in the future", isWindow: true };
    if (!enough.has(point)) return null;
    const reason = point === newest ? "the newest" : `one of the ${policy.minimum} that are always kept`;
    return { rule: "other", reason, isWindow: true };
  };
  const keeps = new Map(usable.map((point) => [point, kept(point)]));
  const oldestKept = usable.find((point) => keeps.get(point) !== null) ?? null;
  return group.map((point) => {
    const keep = isUsable(point) ? (keeps.get(point) ?? null) : judgeUnusable(point, oldestKept, facts);
    if (keep !== null) return { point, action: "keep", ...keep };
    const reason = isUsable(point)
      ? "no rule keeps it"
      : point.status === "incomplete"
        ? `incomplete since ${shortInstant(point.startedAt)}`
        : `${point.status} and older than every point that is kept`;
    return { point, action: "delete", rule: null, reason, isWindow: false };
  });
}

type Kept = Pick<PointDecision, "rule" | "reason" | "isWindow">;

/** The strongest rule that keeps each point; points that none keeps are missing. `points` oldest first. */
function rulesOf(
  points: readonly RecoveryPoint[],
  newest: RecoveryPoint,
  policy: KindPolicy,
  facts: RetentionFacts,
): Map<RecoveryPoint, Kept> {
  const found = new Map<RecoveryPoint, Kept>();
  const keep = (point: RecoveryPoint, rule: KeepRule, reason: string): void => {
    const isWindow = rule === "daily" || rule === "default" || (found.get(point)?.isWindow ?? false);
    found.set(point, { rule, reason, isWindow });
  };
  const age = (point: RecoveryPoint): number => Number((newest.startedAt - point.startedAt) / 1_000_000n);
  // Weakest first, so that the strongest rule's name stays.
  for (const rule of keepRules.toReversed()) {
    if (rule === "default") {
      const seconds = policy.keepSeconds;
      if (seconds !== null)
        for (const point of points)
          if (age(point) <= seconds) keep(point, rule, `not older than ${formatDuration(seconds)}`);
      if (policy.last > 0)
        for (const point of points.slice(-policy.last)) keep(point, rule, `among the newest ${policy.last}`);
    } else {
      for (const [bucket, point] of firstOf(rule, points, policy[rule], facts))
        keep(point, rule, `first of the ${nouns[rule]} ${bucket}`);
    }
    for (const point of points) {
      if (point.keep !== rule) continue;
      const seconds = secondsOfRule(policy, rule);
      if (seconds === null || age(point) <= seconds) keep(point, rule, `taken by hand to be kept as ${rule}`);
    }
  }
  return found;
}

const nouns = { daily: "day", weekly: "week of", monthly: "month", yearly: "year" };

/** The first point of each of the newest `count` periods that have one. */
function firstOf(
  rule: Exclude<KeepRule, "default">,
  points: readonly RecoveryPoint[],
  count: number,
  facts: RetentionFacts,
): readonly (readonly [string, RecoveryPoint])[] {
  const first = new Map<string, RecoveryPoint>();
  for (const point of points) {
    const bucket = bucketOf(rule, (facts.dayOf ?? ((at) => splitUtc(at).day))(point.startedAt));
    if (!first.has(bucket)) first.set(bucket, point);
  }
  return count > 0 ? [...first].sort(([a], [b]) => (a < b ? -1 : 1)).slice(-count) : [];
}

/** A period's name, sorting as the periods follow each other. Weeks begin on Monday and are named by it. */
function bucketOf(rule: Exclude<KeepRule, "default">, on: CivilDay): string {
  const days = daysFromCivil(on);
  const { year, month, day: dayOfMonth } = rule === "weekly" ? civilFromDays(days - ((days + 3) % 7)) : on;
  const two = (n: number): string => String(n).padStart(2, "0");
  const parts = [String(year).padStart(4, "0"), two(month), two(dayOfMonth)];
  return parts.slice(0, rule === "yearly" ? 1 : rule === "monthly" ? 2 : 3).join("-");
}

function judgeUnusable(point: RecoveryPoint, oldestKept: RecoveryPoint | null, facts: RetentionFacts): Kept | null {
  const covered = facts.covered?.get(point.id);
  if (covered !== undefined) return { rule: "other", reason: covered, isWindow: false };
  if (point.status === "incomplete") {
    const grace = facts.graceSeconds ?? day;
    return Number((facts.now - point.startedAt) / 1_000_000n) <= grace
      ? { rule: "other", reason: `incomplete, for less than ${formatDuration(grace)}`, isWindow: false }
      : null;
  }
  return oldestKept === null || point.startedAt >= oldestKept.startedAt
    ? {
        rule: "other",
        reason: `${point.status}: kept until it is older than every point that is kept`,
        isWindow: false,
      }
    : null;
}

/** What an incremental backup is built on stays as long as it does. */
function keepParents(points: readonly RecoveryPoint[], decided: Map<RecoveryPoint, PointDecision>): void {
  const byId = new Map(points.map((p) => [p.id, p]));
  for (const point of points) {
    if (decided.get(point)?.action !== "keep") continue;
    const seen = new Set([point.id]);
    for (let at = parentOf(point, byId); at !== null && !seen.has(at.id); at = parentOf(at, byId)) {
      seen.add(at.id);
      if (decided.get(at)?.action === "delete")
        decided.set(at, {
          point: at,
          action: "keep",
          rule: "other",
          reason: `${point.id} is built on it`,
          isWindow: false,
        });
    }
  }
}

function parentOf(point: RecoveryPoint, byId: ReadonlyMap<string, RecoveryPoint>): RecoveryPoint | null {
  return point.parent === undefined ? null : (byId.get(point.parent) ?? null);
}

function neverExpires(point: RecoveryPoint): PointDecision {
  return { point, action: "keep", rule: "other", reason: `no rule for ${point.kind} backups`, isWindow: true };
}

function isUsable(point: RecoveryPoint): boolean {
  return point.status === "ok" || point.status === "archived";
}

function byStart(a: RecoveryPoint, b: RecoveryPoint): number {
  return a.startedAt < b.startedAt ? -1 : a.startedAt > b.startedAt ? 1 : a.id < b.id ? -1 : 1;
}
