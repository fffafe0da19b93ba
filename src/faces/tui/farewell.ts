import { resultLines, resultWord } from "../ending.ts";
import { statusMark } from "../marks.ts";
import { visible } from "../untrusted.ts";
import type { Model } from "./model.ts";

/** What the terminal keeps after the window is closed: at most 15 lines. */
export function farewell(model: Model): readonly string[] {
  const { run, copied } = model;
  const commands = copied.length === 0 ? [] : ["Copied:", ...copied.slice(-4).map((c) => `  ${visible(c)}`)];
  if (run === null) return commands;
  const { state } = run;
  const works = run.isLive && !run.isOver && state.outcome === null;
  const done = state.steps.filter((s) => s.status === "done" || s.status === "already-done").length;
  const now = state.steps.find((s) => ["running", "failed", "cut-off"].includes(s.status));
  return [
    `${run.id}: ${works ? "goes on without this window" : resultWord(state.outcome)}, ${done} of ${state.steps.length} steps done.`,
    ...(now === undefined ? [] : [`${statusMark(now.status)} ${visible(now.plan.title)}`]),
    ...(works && state.question !== null ? [`It waits for you: ${visible(state.question.question.title)}`] : []),
    ...(state.outcome === null || state.outcome.result === "done"
      ? []
      : [visible(state.outcome.message), ...(state.outcome.next === undefined ? [] : [visible(state.outcome.next)])]),
    ...(works
      ? [`Join it again:  pgrescue attach ${run.id}`, `Stop it:        pgrescue abort ${run.id}`]
      : [...resultLines(state), `The record:     pgrescue report ${run.id}`]),
    ...commands,
  ].slice(0, 15);
}
