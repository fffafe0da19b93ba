import { messageOf } from "../domain/errors.ts";
import { namesIn, parseExpression } from "../domain/expression.ts";
import type { Runbook, RunbookStep } from "../domain/runbook.ts";
import { confirmationOf, loadStep } from "./plan-steps.ts";
import type { StepRegistry } from "./step.ts";
import { referencesIn } from "./substitute.ts";

/** What is wrong with a runbook, each in one line that names the step; none when it may run. */
export async function lintRunbook(runbook: Runbook, registry: StepRegistry): Promise<readonly string[]> {
  const problems: string[] = [];
  const seen = new Set<string>();
  let hasConfirmed = false;
  for (const step of runbook.steps) {
    const say = (problem: string): void => void problems.push(`step ${step.id}: ${problem}`);
    if (seen.has(step.id)) say("the id stands for two steps");
    seen.add(step.id);
    const isTyped = confirmationOf(step) === "type";
    // One typed confirmation may stand for the production steps after it; what cannot be taken back asks each time.
    if (!isTyped && (step.risk === "irreversible" || (step.risk === "production" && !hasConfirmed))) {
      say(`its risk is ${step.risk}, and nobody has typed a confirmation`);
    }
    hasConfirmed ||= isTyped;
    for (const problem of plainProblems(step, runbook)) say(problem);
    for (const problem of await kindProblems(step, registry)) say(problem);
  }
  return problems;
}

function plainProblems(step: RunbookStep, runbook: Runbook): readonly string[] {
  const problems: string[] = [];
  if (step.title.length > 60) problems.push("the title is longer than 60 characters");
  for (const name of referencesIn(step.do.with ?? {})) {
    if (!runbook.inputs.includes(name.split(".")[0] ?? "")) problems.push(`\${${name}} is not among the inputs`);
  }
  if (step.when !== undefined) {
    try {
      namesIn(parseExpression(step.when));
    } catch (error) {
      problems.push(messageOf(error));
    }
  }
  return problems;
}

async function kindProblems(step: RunbookStep, registry: StepRegistry): Promise<readonly string[]> {
  try {
    const kind = await loadStep(registry, step.do.builtin);
    const problems =
      kind.risk === "read" || riskOf(step.risk) >= riskOf(kind.risk)
        ? []
        : [`its risk is ${step.risk}, but ${kind.name} is ${kind.risk}`];
    // Parameters that stand for inputs are known only when a run is planned.
    if (referencesIn(step.do.with ?? {}).length === 0) kind.parse(step.do.with ?? {});
    if (kind.undo === undefined && step.risk !== "read" && step.undo === "") problems.push("says nothing about undo");
    return problems;
  } catch (error) {
    return [messageOf(error)];
  }
}

function riskOf(risk: RunbookStep["risk"]): number {
  return ["read", "scratch", "production", "irreversible"].indexOf(risk);
}
