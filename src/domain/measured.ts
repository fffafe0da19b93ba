import { formatBytes } from "./quantity.ts";
import { parseLsn } from "./lsn.ts";
import type { Speeds } from "./methods/method.ts";
import type { RunState, StepState } from "./run/state.ts";
import { stepSeconds } from "./step-seconds.ts";

/** Less than this tells more of starting and ending than of the speed between. */
const leastSeconds = 1;
const leastBytes = 50_000_000;

/** Bytes a second in one run; null: not measured in it. */
export interface MeasuredSpeeds {
  /** Bytes of database files a second, as restored. */
  readonly restore: number | null;
  /** Bytes of WAL a second, the server's start included. */
  readonly replay: number | null;
}

/** The speeds of a run's restore and replay. What was cut off, took less than a second or moved less than 50 MB gives none. */
export function speedsIn(state: RunState): MeasuredSpeeds {
  const inputs = state.header?.inputs ?? {};
  const { bytes, replayFrom, replayUntil } = inputs;
  const stopped = state.recorded["stopped"];
  const reached = typeof stopped === "object" && stopped !== null && "lsn" in stopped ? stopped["lsn"] : null;
  const from = typeof replayFrom === "string" ? parseLsn(replayFrom) : null;
  const end = typeof reached === "string" ? reached : replayUntil;
  const until = typeof end === "string" ? parseLsn(end) : null;
  return {
    restore: speedOf(stepOf(state, "restore.files"), typeof bytes === "number" ? bytes : null),
    replay: speedOf(
      stepOf(state, "recovery.replay"),
      from === null || until === null || until < from ? null : Number(until - from),
    ),
  };
}

/** The newest restore speed and the newest replay speed of runs that are given newest first; they may be of two runs. */
export function newestSpeeds(runs: readonly (MeasuredSpeeds & { readonly run: string })[]): Speeds {
  const restored = runs.find((r) => r.restore !== null);
  const replayed = runs.find((r) => r.replay !== null);
  const names = [...new Set([restored, replayed].flatMap((r) => (r === undefined ? [] : [r.run])))];
  return {
    restore: restored?.restore ?? null,
    replay: replayed?.replay ?? null,
    basis: names.length === 0 ? "" : `${names.length === 1 ? "run" : "runs"} ${names.join(" and ")}`,
  };
}

/** `410 MB/s`. */
export function formatSpeed(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

function stepOf(state: RunState, builtin: string): StepState | undefined {
  return state.steps.find((s) => s.plan.builtin === builtin);
}

function speedOf(step: StepState | undefined, bytes: number | null): number | null {
  // A step that found everything done has moved nothing.
  if (step?.status !== "done" || bytes === null || bytes < leastBytes) return null;
  const seconds = stepSeconds(step);
  return seconds === null || seconds < leastSeconds ? null : bytes / seconds;
}
