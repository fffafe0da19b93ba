import { holds, lookUp, namesIn, parseExpression } from "../domain/expression.ts";
import { messageOf, PgrescueError } from "../domain/errors.ts";
import type { PlannedStep } from "../domain/plan.ts";
import { confirmation, whereOf } from "./confirm.ts";
import { loadStep } from "./plan-steps.ts";
import type { StepKind, StepRegistry } from "./step.ts";
import { contextOf, takeSignals, type RunSurroundings } from "./step-context.ts";
import { Stopped, type Stop } from "./stop.ts";

/** What running the steps of a run needs beyond what one step sees. */
export interface StepRunner extends RunSurroundings {
  readonly steps: StepRegistry;
  readonly confirm: string;
  readonly stop: Stop;
}

/**
 * One step: condition, probe, confirmation, intent, effect, probe again, end; each written down before the next. Throws
 * what the step threw, after writing that it failed; Stopped when the run stops under it, leaving the step open.
 */
export async function runStep(run: StepRunner, step: PlannedStep): Promise<void> {
  const { record } = run;
  const finish = createFinish(run, step);
  const unmet = unmetCondition(step, { ...record.state().recorded, ...run.inputs });
  if (unmet !== null) return finish("skipped", unmet);
  const kind = await loadStep(run.steps, step.builtin);
  const context = contextOf(run, step, run.stop.signalFor(kind.pausable === true));
  let isAsking = false;
  try {
    const parameters = kind.parse(step.with);
    const found = await kind.probe(parameters, context);
    if (found === "done") return await finish("already-done");
    const { text } = kind.describe(parameters, run.inputs);
    if (step.confirm === "type") {
      isAsking = true;
      await context.ask(confirmation(step, run.confirm, text, whereOf(run.confirm, run.inputs)));
      isAsking = false;
    }
    run.stop.atSafePoint();
    await record.append({ event: "step-started", step: step.id, describe: text, found });
    await takeSignals(record, step.id, kind.run(parameters, context));
    await confirmDone(kind, parameters, context, step);
    return await finish("done");
  } catch (error) {
    if (record.failure() !== null) throw record.failure();
    // A step that was told to stop may end with whatever error its innards make of that.
    if (error instanceof Stopped || context.signal.aborted) throw new Stopped();
    // A step that was not confirmed has not failed: it still waits.
    if (!isAsking) await finish("failed", messageOf(error));
    throw error;
  }
}

async function confirmDone(
  kind: StepKind,
  parameters: unknown,
  context: Parameters<StepKind["probe"]>[1],
  step: PlannedStep,
): Promise<void> {
  // A step that only reads has no effect to look for.
  if (step.risk === "read") return;
  const found = await kind.probe(parameters, context);
  if (found !== "done") {
    throw new PgrescueError("external-failure", `the step ran to its end, but its effect is ${found}: ${step.title}`, {
      next: "Read the step's log, mend the cause and run `pgrescue continue`.",
    });
  }
}

function createFinish(run: StepRunner, step: PlannedStep) {
  const began = run.world.clock.monotonic();
  return async (result: "done" | "already-done" | "skipped" | "failed", reason?: string): Promise<void> => {
    const milliseconds = Math.round(run.world.clock.monotonic() - began);
    await run.record.append({
      event: "step-finished",
      step: step.id,
      result,
      milliseconds,
      ...(reason === undefined ? {} : { reason }),
    });
  };
}

/** Why a step's `when` does not hold, with the facts it looked at; null when it does. */
function unmetCondition(step: PlannedStep, facts: StepRunner["inputs"]): string | null {
  if (step.when === undefined) return null;
  const expression = parseExpression(step.when);
  if (holds(expression, facts)) return null;
  const seen = namesIn(expression).map((name) => `${name} is ${JSON.stringify(lookUp(facts, name))}`);
  return `${step.when} does not hold: ${seen.join(", ")}`;
}
