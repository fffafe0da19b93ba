import type { Json } from "../domain/brand.ts";
import { commandLine } from "../domain/command-line.ts";
import type { Estimate, PlannedStep } from "../domain/plan.ts";
import { formatDuration } from "../domain/quantity.ts";
import type { Arguments, Terminal } from "./command.ts";

export interface PrintablePlan {
  readonly inputs: { readonly [key: string]: Json };
  readonly steps: readonly PlannedStep[];
  readonly estimate: Estimate | null;
}

/** Prints a plan: as a document with --json (pgrescue.plan/v1), else step by step with commands and undo. */
export function printPlan(plan: PrintablePlan, args: Arguments, terminal: Terminal): void {
  if (args.flag("json")) {
    terminal.print(JSON.stringify(planDocument(plan)));
    return;
  }
  for (const [at, step] of plan.steps.entries()) {
    terminal.print(
      `${String(at + 1).padStart(2)}  ${step.title}${step.risk === "read" ? "" : `   [${step.risk}${step.confirm === "type" ? ", typed confirmation" : ""}]`}`,
    );
    for (const line of step.describe.split("\n")) terminal.print(`    ${line}`);
    for (const argv of step.commands) terminal.print(`    $ ${commandLine(argv)}`);
    if (step.risk !== "read") terminal.print(`    undo: ${step.undo}`);
    if (step.when !== undefined) terminal.print(`    only when ${step.when}`);
  }
  const { estimate } = plan;
  if (estimate !== null)
    terminal.print(
      `\nTime to done  ${estimate.seconds === null ? "no estimate yet" : `about ${formatDuration(estimate.seconds)}`} (${estimate.basis})`,
    );
}

/** The plan as pgrescue.plan/v1. */
export function planDocument(plan: PrintablePlan): object {
  return {
    schema: "pgrescue.plan/v1",
    inputs: plan.inputs,
    steps: plan.steps.map((step) => ({
      id: step.id,
      title: step.title,
      phase: step.phase,
      risk: step.risk,
      describe: step.describe,
      command: step.commands,
      undo: step.undo,
      confirm: step.confirm,
      when: step.when ?? null,
    })),
    estimate: plan.estimate,
  };
}
