import type { RunState, StepState } from "./state.ts";

/** What a stopped run leaves behind, in lines for people: shown by `abort`, and by a run that failed. */
export function leftovers(state: RunState): readonly string[] {
  const began = state.steps.filter(
    (step) => step.attempts > 0 && step.status !== "undone" && step.status !== "skipped" && step.plan.risk !== "read",
  );
  const lines = began.map((step) => `${said(step)}: ${step.plan.title} (undo: ${step.plan.undo})`);
  return lines.length === 0 ? ["nothing was changed"] : lines;
}

/** The steps whose effect may be there, last first: what an undo goes through. */
export function undoable(state: RunState): readonly StepState[] {
  return state.steps
    .filter((step) => step.attempts > 0 && ["done", "failed", "cut-off", "running", "undoing"].includes(step.status))
    .toReversed();
}

/** Whether `continue` has something to go on with. */
export function isUnfinished(state: RunState): boolean {
  return (
    state.header !== null && (state.outcome === null || ["paused", "failed", "declined"].includes(state.outcome.result))
  );
}

function said(step: StepState): string {
  if (step.status === "done") return "stays";
  return step.status === "failed" ? "may be half done (it failed)" : "may be half done (it was cut off)";
}
