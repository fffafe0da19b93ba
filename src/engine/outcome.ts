import { errorKinds, messageOf, PgrescueError } from "../domain/errors.ts";
import type { Outcome } from "../domain/run/events.ts";
import { leftovers } from "../domain/run/leftovers.ts";
import type { RunState } from "../domain/run/state.ts";
import type { StopRequest } from "./stop.ts";

/** How a run that came to its end ended. */
export function finishedOutcome(state: RunState): Outcome {
  const failed = state.steps.filter((step) => step.status === "failed").map((step) => step.plan.title);
  const warned =
    state.warnings > 0 || state.verdicts.some(({ verdict }) => verdict.result === "warn" || verdict.result === "fail");
  if (failed.length === 0 && !warned) return { result: "done", exitCode: 0, message: "every step is done" };
  const message = failed.length === 0 ? "every step is done, with warnings" : `done, except: ${failed.join(", ")}`;
  return { result: "done-with-warnings", exitCode: 0, message };
}

/** How an error ends an attempt. Anything but a PgrescueError is a bug. */
export function failedOutcome(error: unknown): Outcome {
  if (!(error instanceof PgrescueError)) {
    const { exit, means, next } = errorKinds.bug;
    return { result: "failed", exitCode: exit, code: "bug", message: messageOf(error), means, next };
  }
  const { code, message, means, next, exitCode } = error;
  const result = code === "declined" ? "declined" : code === "paused" ? "paused" : "failed";
  return { result, exitCode, code, message, means, next };
}

/** How a request to stop ends an attempt: 60 paused, 128 + signal interrupted, 31 aborted. */
export function stoppedOutcome(state: RunState, stop: StopRequest): Outcome {
  const waiting = state.steps.find((step) => !["done", "already-done", "skipped", "undone"].includes(step.status));
  const where = waiting === undefined ? "after its last step" : `before the end of: ${waiting.plan.title}`;
  const goOn = `Go on with \`pgrescue continue ${state.run}\`, or give it up with \`pgrescue abort ${state.run}\`.`;
  switch (stop.kind) {
    case "pause":
      return {
        result: "paused",
        exitCode: errorKinds.paused.exit,
        code: "paused",
        message: `paused ${where}`,
        means: errorKinds.paused.means,
        next: goOn,
      };
    case "interrupt":
      return {
        result: "paused",
        exitCode: stop.signal === "SIGTERM" ? 143 : 130,
        code: "interrupted",
        message: `interrupted by ${stop.signal ?? "a signal"} ${where}`,
        means: errorKinds.interrupted.means,
        next: goOn,
      };
    case "abort":
      return abortedOutcome(state);
  }
}

/** The end of a run that was given up; says what stays, and that nothing was removed. */
export function abortedOutcome(state: RunState): Outcome {
  return {
    result: "aborted",
    exitCode: errorKinds.declined.exit,
    message: "given up",
    means: `Nothing was removed. ${leftovers(state).join("; ")}.`,
    next: `Take the finished steps back with \`pgrescue abort ${state.run} --undo\`, or leave things as they are.`,
  };
}
