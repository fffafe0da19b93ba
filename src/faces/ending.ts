import type { Json } from "../domain/brand.ts";
import type { Outcome } from "../domain/run/events.ts";
import type { RunState } from "../domain/run/state.ts";
import { formatBytes } from "../domain/quantity.ts";
import { findingWord } from "./marks.ts";
import { span } from "./moments.ts";
import { visible } from "./untrusted.ts";

const said = {
  done: "finished",
  "done-with-warnings": "finished with warnings",
  failed: "failed",
  paused: "paused at a safe point",
  aborted: "aborted",
  declined: "declined",
} as const satisfies Record<Outcome["result"], string>;

/** `finished`, `paused at a safe point`; `cut off` for a run that never ended. */
export function resultWord(outcome: Outcome | null): string {
  return outcome === null ? "cut off" : said[outcome.result];
}

/**
 * The end of a run for people: first what it came to, then the four parts of an error (what happened, what it means for
 * the data, what to do next, where more is) where there was one.
 */
export function endingLines(state: RunState): readonly string[] {
  const outcome = state.outcome;
  const head = `${state.run} ${resultWord(outcome)}${tookWords(state)}.`;
  const checks = state.verdicts
    .map((v) => v.verdict)
    .filter((v) => v.result !== "pass")
    .map((v) => `${findingWord(v.result)}: ${visible(v.title)}: ${visible(v.evidence)}`);
  const lines = [head, ...checks, ...resultLines(state)];
  if (outcome === null)
    return [
      ...lines,
      "What happened:  the runner is gone; the journal ends here.",
      "For the data:   what was done is done; every step is looked at again on continuation.",
      `What to do:     pgrescue continue ${state.run}`,
      `More:           pgrescue report ${state.run}`,
    ];
  if (outcome.result === "done") return lines;
  return [
    ...lines,
    `What happened:  ${visible(outcome.message)}`,
    ...(outcome.means === undefined ? [] : [`For the data:   ${visible(outcome.means)}`]),
    ...(outcome.next === undefined ? [] : [`What to do:     ${visible(outcome.next)}`]),
    `More:           pgrescue report ${state.run}${outcome.code === undefined ? "" : `, pgrescue explain ${outcome.code}`}`,
  ];
}

/** How to reach what the run made, and how big it is: from the values that steps recorded. */
export function resultLines(state: RunState): readonly string[] {
  const connection = connectionOf(state);
  const bytes = fieldOf(state.recorded["backup"], "bytes");
  return [
    ...(connection === null ? [] : [`Connect with:   ${visible(connection)}`]),
    ...(typeof bytes === "number" ? [`Size:           ${formatBytes(bytes)}`] : []),
  ];
}

/** The connection string of the result; null where there is none. */
export function connectionOf(state: RunState): string | null {
  const value = fieldOf(state.recorded["server"], "connectionString");
  return typeof value === "string" ? value : null;
}

function fieldOf(value: Json | undefined, name: string): Json | null {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return null;
  return (value as { readonly [key: string]: Json })[name] ?? null;
}

function tookWords(state: RunState): string {
  const all = state.steps.reduce((sum, s) => sum + (s.milliseconds ?? 0), 0);
  return all === 0 ? "" : ` after ${span(all)} of work`;
}
