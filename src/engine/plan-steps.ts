import type { Json } from "../domain/brand.ts";
import { messageOf, PgrescueError } from "../domain/errors.ts";
import type { PlannedStep } from "../domain/plan.ts";
import type { Runbook, RunbookStep } from "../domain/runbook.ts";
import type { StepKind, StepRegistry } from "./step.ts";
import { substitute } from "./substitute.ts";

/** Loads a step kind by the name that runbooks use. Throws `config` when there is none. */
export async function loadStep(registry: StepRegistry, builtin: string): Promise<StepKind> {
  const load = Object.hasOwn(registry, builtin) ? registry[builtin] : undefined;
  if (load === undefined)
    throw new PgrescueError("config", `there is no step kind ${builtin}`, {
      next: "Run `pgrescue runbook check` on the runbook.",
    });
  // A registry holds kinds with parameters of many types; each is only ever given what its own parse made.
  return (await load()).step;
}

/** A runbook's steps with this run's inputs put in: what a plan, a dry run and the journal hold. */
export async function planSteps(
  runbook: Runbook,
  registry: StepRegistry,
  inputs: { readonly [key: string]: Json },
): Promise<readonly PlannedStep[]> {
  const steps: PlannedStep[] = [];
  for (const step of runbook.steps) steps.push(await planStep(step, registry, inputs));
  return steps;
}

async function planStep(
  step: RunbookStep,
  registry: StepRegistry,
  inputs: { readonly [key: string]: Json },
): Promise<PlannedStep> {
  try {
    const kind = await loadStep(registry, step.do.builtin);
    const parameters = substitute(step.do.with ?? {}, inputs);
    const { text, commands } = kind.describe(kind.parse(parameters), inputs);
    return {
      id: step.id,
      title: step.title,
      why: step.why,
      ...(step.trap === undefined ? {} : { trap: step.trap }),
      phase: step.phase,
      risk: step.risk,
      builtin: step.do.builtin,
      with: parameters,
      ...(step.when === undefined ? {} : { when: step.when }),
      undo: step.undo,
      confirm: confirmationOf(step),
      onFailure: step.on_failure ?? "stop",
      describe: text,
      commands,
    };
  } catch (error) {
    if (error instanceof PgrescueError && error.code === "config") {
      throw new PgrescueError("config", `step ${step.id}: ${messageOf(error)}`, { next: error.next, cause: error });
    }
    throw error;
  }
}

/** What a step asks for before it runs: by its own word, otherwise by its risk. */
export function confirmationOf(step: Pick<RunbookStep, "risk" | "confirm">): "none" | "type" {
  return step.confirm ?? (step.risk === "production" || step.risk === "irreversible" ? "type" : "none");
}
