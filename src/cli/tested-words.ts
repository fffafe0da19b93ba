import type { Instant } from "../domain/instant.ts";
import { formatDuration } from "../domain/quantity.ts";
import type { Rehearsal } from "../domain/rehearsal.ts";

/** What restores on this host tell of points: newest first, null where that cannot be read, and the present to count from. */
export interface TestRecord {
  readonly rehearsals: readonly Rehearsal[] | null;
  readonly now: Instant;
}

/** `2h05m ago`. */
export function agoWords(at: Instant, now: Instant): string {
  return `${span(at, now)} ago`;
}

/** `6 d ago, 38m12`; `never here`, or `unknown` where the runs of this host cannot be read (`undefined`). */
export function testedWords(test: Rehearsal | null | undefined, now: Instant): string {
  if (test === undefined) return "unknown";
  if (test === null) return "never here";
  return `${agoWords(test.at, now)}${test.seconds === null ? "" : `, ${formatDuration(test.seconds)}`}`;
}

/** The same for a column: `6 d 38m12`, `-` for never and unknown. */
export function testedColumn(test: Rehearsal | null | undefined, now: Instant): string {
  if (test === null || test === undefined) return "-";
  return `${span(test.at, now)}${test.seconds === null ? "" : ` ${formatDuration(test.seconds)}`}`;
}

function span(at: Instant, now: Instant): string {
  return formatDuration(Math.max(0, Number(now - at) / 1_000_000));
}
