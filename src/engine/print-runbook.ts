import { commandLine } from "../domain/command-line.ts";
import type { PlannedStep } from "../domain/plan.ts";
import type { Runbook, RunbookStep } from "../domain/runbook.ts";
import { confirmationOf } from "./plan-steps.ts";

/**
 * A runbook as Markdown that can be followed by hand when the tool itself is broken. With `planned` (this cluster's plan)
 * each step shows its exact commands; without, what its kind and parameters are.
 */
export function printRunbook(runbook: Runbook, planned: readonly PlannedStep[] = []): string {
  const plan = new Map(planned.map((step) => [step.id, step]));
  return [
    `# ${runbook.title}`,
    "",
    `Runbook \`${runbook.id}\`, version ${runbook.version}.`,
    "",
    `- **Use it when**: ${runbook.use_when}`,
    `- **Not for**: ${runbook.not_for}`,
    `- **Outcome**: ${runbook.outcome}`,
    ...(runbook.symptoms.length === 0
      ? []
      : ["", "Symptoms:", "", ...runbook.symptoms.map((symptom) => `- ${symptom}`)]),
    ...runbook.steps.flatMap((step, at) => ["", ...stepLines(step, at + 1, plan.get(step.id))]),
    "",
  ].join("\n");
}

function stepLines(step: RunbookStep, number: number, planned: PlannedStep | undefined): readonly string[] {
  return [
    `## ${number}. [ ] ${step.title}`,
    "",
    `${step.phase}, risk: **${step.risk}**${confirmationOf(step) === "type" ? ", typed confirmation" : ""}${step.when === undefined ? "" : `, only when \`${step.when}\``}`,
    "",
    step.why,
    ...(step.trap === undefined ? [] : ["", `> **Trap**: ${step.trap}`]),
    "",
    ...(planned === undefined
      ? [`Does: \`${step.do.builtin}\`${parameters(step)}`]
      : [planned.describe, ...commands(planned)]),
    "",
    `Undo: ${step.undo}`,
  ];
}

function parameters(step: RunbookStep): string {
  const given = Object.entries(step.do.with ?? {});
  return given.length === 0
    ? ""
    : ` with ${given.map(([name, value]) => `${name} = ${JSON.stringify(value)}`).join(", ")}`;
}

function commands(planned: PlannedStep): readonly string[] {
  return planned.commands.length === 0 ? [] : ["", "```sh", ...planned.commands.map(commandLine), "```"];
}
