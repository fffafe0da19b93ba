import type { Verdict } from "../domain/verdict.ts";
import { findingMark } from "../faces/marks.ts";
import type { ProposedChange } from "./doctor.ts";

/** A verdict for people: the mark, the title, what was seen, and what mends it. */
export function verdictLines(verdict: Verdict): readonly string[] {
  const { result, title, evidence, mend } = verdict;
  return [
    `${findingMark(result)} ${title}`,
    `       ${visible(evidence)}`,
    ...(mend === undefined || result === "pass" ? [] : [`       -> ${visible(mend)}`]),
  ];
}

/** Proposed changes as lines to paste into psql, reloads before restarts. */
export function changeLines(changes: readonly ProposedChange[]): readonly string[] {
  if (changes.length === 0) return [];
  const of = (apply: ProposedChange["apply"]): readonly string[] =>
    changes.filter((change) => change.apply === apply).map(({ alter }) => `  ${alter}`);
  const reload = of("reload");
  const restart = of("restart");
  return [
    "",
    "In psql, as a superuser:",
    ...(reload.length === 0 ? [] : [...reload, "  SELECT pg_reload_conf();   -- a reload is enough for these"]),
    ...(restart.length === 0 ? [] : [...restart, "  -- these count after a restart of the server"]),
  ];
}

/** Names come from the server and from storage: control characters are not passed on to the terminal. */
function visible(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, "?");
}
