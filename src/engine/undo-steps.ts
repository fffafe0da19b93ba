import { PgrescueError } from "../domain/errors.ts";
import type { Outcome } from "../domain/run/events.ts";
import { leftovers, undoable } from "../domain/run/leftovers.ts";
import { confirmation, whereOf } from "./confirm.ts";
import { loadStep } from "./plan-steps.ts";
import type { StepRunner } from "./run-step.ts";
import { contextOf, takeSignals } from "./step-context.ts";

/**
 * Takes back the finished and half-done steps that can be, last first. A step whose effect is not there (its probe says
 * so) is passed over; one without undo stays and is said in the outcome. Ends the run for good.
 */
export async function undoSteps(run: StepRunner): Promise<Outcome> {
  const { record } = run;
  for (const { plan: step } of undoable(record.state())) {
    run.stop.atSafePoint();
    const kind = await loadStep(run.steps, step.builtin);
    if (kind.undo === undefined) continue;
    const context = contextOf(run, step, run.stop.signalFor(false));
    const parameters = kind.parse(step.with);
    const describe = `take back: ${step.undo}`;
    if ((await kind.probe(parameters, context)) !== "absent") {
      if (step.confirm === "type") {
        await context.ask({
          ...confirmation(step, run.confirm, describe, whereOf(run.confirm, run.inputs)),
          id: `undo:${step.id}`,
          title: `Take back: ${step.title}`,
        });
      }
      await record.append({ event: "undo-started", step: step.id, describe });
      await takeSignals(record, step.id, kind.undo(parameters, context));
      const found = await kind.probe(parameters, context);
      if (found !== "absent")
        throw new PgrescueError(
          "external-failure",
          `the undo ran to its end, but the step's effect is ${found}: ${step.title}`,
        );
    }
    await record.append({ event: "step-undone", step: step.id });
  }
  return {
    result: "aborted",
    exitCode: 0,
    message: "taken back",
    means: `${leftovers(record.state()).join("; ")}.`,
    next: "Look with `pgrescue status`; start again when you are ready.",
  };
}
