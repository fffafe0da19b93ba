import { connectionOf } from "../ending.ts";
import { labelled, rule, type View } from "./area.ts";
import { stepRows } from "./execute-view.ts";
import { row, span } from "./text.ts";

/** S12: opening again, in an order that matters. */
export const resumeView: View = (model, { width, height }) => {
  const { run } = model;
  if (run === null) return [row(span(" No run.", "dim"))];
  const steps = run.state.steps.filter((s) => s.plan.phase === "resume");
  const connection = connectionOf(run.state);
  const current = steps.find((s) => s.status === "running");
  const bottom = [
    rule(width),
    ...(current === undefined ? [] : labelled("Now", current.describe, width)),
    ...(current?.plan.trap === undefined ? [] : labelled("Trap", current.plan.trap, width, "warn")),
    ...(connection === null ? [] : labelled("Connect", connection, width, "strong")),
    ...(run.state.outcome === null ? [] : labelled("Result", run.state.outcome.message, width)),
  ];
  const list =
    steps.length === 0
      ? [row(span(" This plan has no steps here: nothing was closed that must be opened again.", "dim"))]
      : stepRows(run, model, width, Math.max(2, height - bottom.length - 1), steps);
  return [
    row(span(" Resume operations", "strong"), span("      order matters: you are re-opening a shop", "dim")),
    ...list,
    ...bottom,
  ];
};
