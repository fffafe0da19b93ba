import { formatInstant, instant, parseInstant, type Instant } from "./instant.ts";

/**
 * The name of a time in a schedule, for what is done at it: `base@2026-11-20T01:00:00Z`. A backup that bears one is that
 * slot's, and no second one is taken for it. Databases that are dumped alone have slots of their own.
 */
export function slotName(kind: "base" | "dump", databases: readonly string[] | null, at: Instant): string {
  const what = databases === null ? kind : `${kind}(${[...databases].sort((a, b) => (a < b ? -1 : 1)).join(",")})`;
  return `${what}@${formatInstant(at).slice(0, 19)}Z`;
}

/** The moment that a slot's text means: ISO 8601, seconds may be left out; null where it is none. */
export function slotTime(text: string): Instant | null {
  const whole = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? text.replace(/^(.{16})/, "$1:00") : text;
  return parseInstant(whole);
}

/**
 * The slot of a job that a Kubernetes CronJob has made: it is named after its CronJob and the minute it was due, counted
 * since 1970. null for others: a job that was made by hand is no slot's.
 */
export function slotOfJob(name: string): Instant | null {
  const minutes = /-(\d{8})$/.exec(name)?.[1];
  return minutes === undefined ? null : instant(BigInt(minutes) * 60_000_000n);
}
