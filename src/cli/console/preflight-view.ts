import type { Composition } from "../../compose.ts";
import type { RunSpec } from "../../domain/run/spec.ts";
import type { Verdict } from "../../domain/verdict.ts";
import { planSteps } from "../../engine/plan-steps.ts";
import { steps } from "../../engine/steps/registry.ts";
import type { StepContext } from "../../engine/step.ts";
import { messageOf, PgrescueError } from "../../domain/errors.ts";
import { methods } from "../../domain/methods/registry.ts";
import type { RecoveryPlan } from "../../engine/planning/plan-recovery.ts";
import type { Choice, PreflightView } from "../../faces/console-views.ts";

/** Asks the preflight questions of a planned recovery and shows what it will write. Changes nothing. */
export async function preflightView(
  choice: Choice,
  plan: RecoveryPlan,
  spec: RunSpec,
  world: Composition,
): Promise<PreflightView> {
  const { inputs } = plan;
  const verdicts: Verdict[] = [];
  let refusal: PreflightView["refusal"] = null;
  const { step } = await steps["recovery.preflight"]();
  try {
    for await (const signal of step.run({}, lookingContext(spec, world))) {
      if (signal.signal === "verdict") verdicts.push(signal.verdict);
    }
  } catch (error) {
    refusal = { reason: messageOf(error), next: error instanceof PgrescueError ? error.next : "Report this." };
  }
  const planned = await planSteps(spec.runbook, steps, spec.inputs);
  const changesProduction = planned.some((s) => s.risk === "production" || s.risk === "irreversible");
  return {
    title: `${methods[choice.method].title} in ${inputs.dataDirectory}`,
    verdicts,
    changesProduction,
    files: [
      {
        name: "postgresql.auto.conf",
        lines: [
          "restore_command = sh line around 'pgrescue wal-fetch'",
          ...Object.entries(inputs.settings).map(([name, value]) => `${name} = '${value}'`),
          "archive_mode = off",
        ],
      },
    ],
    steps: planned,
    command: [
      "recover",
      "--cluster",
      choice.cluster,
      "--method",
      choice.method,
      ...choice.target.arguments,
      ...(choice.method === "rewind-in-place" ? [] : ["--to", inputs.dataDirectory, "--port", String(inputs.port)]),
    ],
    refusal,
  };
}

/** A step's surroundings for looking only: commands and questions are refused. */
function lookingContext(spec: RunSpec, world: Composition): StepContext {
  const refuse = (): never => {
    throw new PgrescueError("bug", "a preflight question tried to change something");
  };
  return {
    run: spec.run,
    directory: "/nonexistent",
    inputs: spec.inputs,
    recorded: {},
    times: () => [],
    world,
    signal: new AbortController().signal,
    command: async () => refuse(),
    ask: async () => refuse(),
  };
}
