import { loadRunbook } from "../../adapters/config/runbook-file.ts";
import type { DumpTestInputs, Estimate, ExerciseInputs } from "../../domain/plan.ts";
import { parseDuration } from "../../domain/quantity.ts";
import type { RecoveryPoint } from "../../domain/recovery-point.ts";
import type { RunSpec } from "../../domain/run/spec.ts";
import { planSteps } from "../../engine/plan-steps.ts";
import type { RecoveryPlan } from "../../engine/planning/plan-recovery.ts";
import { steps } from "../../engine/steps/registry.ts";
import type { Arguments, OptionSpecs, Terminal } from "../command.ts";
import { printPlan } from "../print-plan.ts";
import { describeRecovery } from "../recover.ts";
import type { Settings } from "../settings.ts";
import { currentActor } from "./actor.ts";
import { openRunRecord } from "./find-run.ts";
import { openRun } from "./launch-run.ts";
import { describeRun } from "./open-spec.ts";
import { showRun } from "./show-any.ts";
import { chooseFace } from "./show-run.ts";

/** Options of recoveries that are tests. */
export const exerciseOptions = {
  keep: { type: "boolean", summary: "leave the copy and its server, to be looked at" },
  "dry-run": { type: "boolean", summary: "show every step with its commands; change nothing" },
} as const satisfies OptionSpecs;

/** What a run says by its exit code when the recovery worked and took too long. */
export interface Exercise {
  readonly exit: number;
  /** The run's name; null with --dry-run. */
  readonly run: string | null;
  /** Whether the objective was kept; null: there is none, or it could not be told. */
  readonly kept: boolean | null;
}

/** Runs a planned recovery into scratch as a test: measured, and removed again unless it shall stay. Nobody is asked anything. */
export async function runExercise(
  kind: Extract<RunSpec["kind"], "verify" | "drill">,
  plan: RecoveryPlan,
  settings: Settings,
  args: Arguments,
  terminal: Terminal,
): Promise<Exercise> {
  const exercise: ExerciseInputs = {
    keep: args.flag("keep"),
    rtoSeconds: objectiveOf(settings, plan.runbook),
    expectedSeconds: plan.estimate.seconds,
  };
  const tested = { ...plan, inputs: { ...plan.inputs, exercise } };
  const recovery = await describeRecovery(tested, settings, terminal.env);
  const { runbook: after } = await loadRunbook("exercise", terminal.env);
  const runbook = { ...recovery.runbook, steps: [...recovery.runbook.steps, ...after.steps] };
  const spec: RunSpec = { ...recovery, kind, runbook };
  const exit = await runTest(spec, plan.estimate, settings, args, terminal);
  if (args.flag("dry-run")) return { exit, run: null, kept: null };
  return { exit, run: spec.run, kept: await wasKept(settings.stateDirectory, spec.run) };
}

/** Restores a dump into a server made for it, compares, and removes the server unless it shall stay. Gives the exit code. */
export async function runDumpTest(
  point: RecoveryPoint,
  directory: string,
  databases: readonly string[] | null,
  settings: Settings,
  args: Arguments,
  terminal: Terminal,
): Promise<number> {
  const { cluster, repository, id, systemIdentifier } = point;
  const inputs: DumpTestInputs = {
    method: "dump-test",
    cluster,
    repository,
    point: id,
    systemIdentifier,
    directory,
    databases,
    binaries: settings.cluster?.binaries ?? null,
    exercise: { keep: args.flag("keep"), rtoSeconds: null, expectedSeconds: null },
  };
  const run = { kind: "verify", cluster, runbook: "dump-test", confirm: cluster, lock: null } as const;
  const spec = await describeRun({ ...run, inputs: JSON.parse(JSON.stringify(inputs)) }, settings, terminal.env);
  return runTest(spec, null, settings, args, terminal);
}

async function runTest(
  spec: RunSpec,
  estimate: Estimate | null,
  settings: Settings,
  args: Arguments,
  terminal: Terminal,
): Promise<number> {
  if (args.flag("dry-run")) {
    const planned = await planSteps(spec.runbook, steps, spec.inputs);
    printPlan({ inputs: spec.inputs, steps: planned, estimate }, args, terminal);
    return 0;
  }
  const face = chooseFace(args, terminal);
  const run = await openRun(settings.stateDirectory, spec, {
    actor: await currentActor(terminal.env),
    interactive: false,
    answers: {},
  });
  return await showRun(face === "console" ? "headless" : face, run, args, terminal);
}

/** The objective of a scenario, or else of the cluster, in seconds. */
function objectiveOf({ cluster }: Settings, scenario: string): number | null {
  const { rto, scenarios } = cluster?.objectives ?? {};
  const text = scenarios?.[scenario]?.rto ?? rto;
  return text === undefined ? null : parseDuration(text);
}

async function wasKept(stateDirectory: string, run: string): Promise<boolean | null> {
  const { state } = await openRunRecord(stateDirectory, run);
  const found = state.verdicts.findLast(({ verdict }) => verdict.check === "exercise.rto")?.verdict.result;
  return found === "pass" ? true : found === "warn" ? false : null;
}
