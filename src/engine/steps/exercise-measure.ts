import { PgrescueError } from "../../domain/errors.ts";
import type { ExerciseInputs } from "../../domain/plan.ts";
import { formatDuration } from "../../domain/quantity.ts";
import type { Verdict } from "../../domain/verdict.ts";
import type { StepKind, StepTime } from "../step.ts";
import { hasRecorded } from "./recorded.ts";
import { recoveryInputs } from "./recovery-inputs.ts";
import { judged, recorded, verdict } from "./signals.ts";

const record = "measured";

/** The steps of a recovery by what an operator waits for. */
const parts: readonly (readonly [name: string, builtins: RegExp])[] = [
  ["restore", /^restore\./],
  ["replay", /^recovery\./],
  ["checks", /^verify\./],
];

/** How long the recovery took, and whether that keeps the promise. The verdict never fails: the restore has worked. */
export const step: StepKind<Record<string, never>> = {
  name: "exercise.measure",
  risk: "read",
  parse: () => ({}),
  describe(_p, raw) {
    const rto = recoveryInputs(raw).exercise?.rtoSeconds ?? null;
    return {
      text:
        rto === null
          ? "add up how long the steps took; no objective is configured"
          : `add up how long the steps took, and compare it with the objective of ${formatDuration(rto)}`,
      commands: [],
    };
  },
  probe: (_p, ctx) => Promise.resolve(hasRecorded(ctx, record)),
  async *run(_p, ctx) {
    const { exercise } = recoveryInputs(ctx.inputs);
    if (exercise === undefined) throw new PgrescueError("bug", "the run is no exercise");
    const times = ctx.times().filter(({ builtin }) => builtin !== "scratch.remove");
    const seconds = total(times);
    yield judged(rtoVerdict(seconds, times, exercise));
    yield recorded(record, {
      seconds,
      rtoSeconds: exercise.rtoSeconds,
      expectedSeconds: exercise.expectedSeconds,
      parts: Object.fromEntries(parts.map(([name, is]) => [name, total(times.filter((t) => is.test(t.builtin)))])),
    });
    return Promise.resolve();
  },
};

function rtoVerdict(seconds: number | null, times: readonly StepTime[], exercise: ExerciseInputs): Verdict {
  const title = "The recovery takes no longer than its objective";
  const { rtoSeconds, expectedSeconds } = exercise;
  if (seconds === null)
    return verdict("exercise.rto", title, "unknown", "a step was cut off and taken up again: its parts do not add up");
  const each = parts.map(([name, is]) => `${name} ${spoken(total(times.filter((t) => is.test(t.builtin))))}`);
  const expected = expectedSeconds === null ? "" : `; expected ${formatDuration(expectedSeconds)}`;
  const took = `${formatDuration(seconds)} (${each.join(", ")})${expected}`;
  if (rtoSeconds === null)
    return verdict("exercise.rto", title, "skip", `${took}; no objective is configured (objectives.rto)`);
  return seconds <= rtoSeconds
    ? verdict("exercise.rto", title, "pass", `${took}, of ${formatDuration(rtoSeconds)}`)
    : verdict("exercise.rto", title, "warn", `${took}, more than the ${formatDuration(rtoSeconds)} of the objective`, {
        mend: "Take base backups more often, restore to faster storage, or promise less.",
      });
}

function total(times: readonly StepTime[]): number | null {
  let sum = 0;
  for (const { seconds } of times) {
    if (seconds === null) return null;
    sum += seconds;
  }
  return sum;
}

function spoken(seconds: number | null): string {
  return seconds === null ? "unknown" : formatDuration(seconds);
}
