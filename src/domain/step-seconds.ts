import { parseInstant } from "./instant.ts";
import type { StepState } from "./run/state.ts";

/**
 * How long a finished step worked, in seconds, without the wait for its confirmation. null where that cannot be said: it
 * was cut off and taken up again, or is not finished.
 */
export function stepSeconds(step: StepState): number | null {
  const { milliseconds, startedAt, finishedAt, attempts, status } = step;
  const wasAtOnce = (status === "done" && attempts === 1) || (status === "already-done" && attempts === 0);
  if (!wasAtOnce || milliseconds === null) return null;
  if (step.plan.confirm === "none" || status === "already-done") return milliseconds / 1000;
  // The steady clock began before the question; the wall clock's intent was written after the answer.
  const from = parseInstant(startedAt ?? "");
  const until = parseInstant(finishedAt ?? "");
  if (from === null || until === null || until < from) return null;
  return Math.min(milliseconds, Number(until - from) / 1000) / 1000;
}
