import { systemClock } from "../adapters/system/clock.ts";
import { compose } from "../compose.ts";
import { PgrescueError } from "../domain/errors.ts";
import { isRefusal, type PlanRefusal } from "../domain/refusal.ts";
import { planSteps } from "../engine/plan-steps.ts";
import type { RecoveryPlan } from "../engine/planning/plan-recovery.ts";
import { steps } from "../engine/steps/registry.ts";
import { runAsOwner } from "./as-owner.ts";
import type { Arguments, Command, Terminal } from "./command.ts";
import { planningOptions, planWith, readWish } from "./planning.ts";
import { printPlan } from "./print-plan.ts";
import { dumpMethods, dumpRestoreOptions, isAboutDump, recoverDump } from "./recover-dump.ts";
import { currentActor } from "./run/actor.ts";
import { answerOptions, answersFrom } from "./run/answers.ts";
import { openRun } from "./run/launch-run.ts";
import { describeRun } from "./run/open-spec.ts";
import { showRun } from "./run/show-any.ts";
import { chooseFace, isInteractive, showOptions, type FaceName } from "./run/show-run.ts";
import { openSettings, type Settings } from "./settings.ts";
import { readTarget } from "./target-options.ts";

export const command: Command = {
  summary: "go back to a moment: beside production, or in its place",
  usage: "recover [TARGET] [--to DIR] [--method METHOD] [--dry-run]",
  description:
    "Restores the right backup, replays WAL to exactly the target, verifies, and leaves a running server. The target\nis looked up in the WAL before a byte is copied. Without TARGET on a terminal the console opens and asks.\nWith --repository URL it works on an empty host without any configuration.",
  options: {
    ...planningOptions,
    method: { ...planningOptions.method, choices: [...planningOptions.method.choices, ...dumpMethods] },
    ...dumpRestoreOptions,
    scenario: {
      type: "string",
      value: "ID",
      summary: "the runbook's name, as in `pgrescue runbook list`",
      choices: ["restore-to-scratch", "rewind-in-place"],
    },
    "dry-run": { type: "boolean", summary: "plan and show every step with its commands; change nothing" },
    ...showOptions,
    ...answerOptions,
  },
  examples: [
    "pgrescue recover --target-time '10 minutes ago' --to /srv/scratch/shop",
    "pgrescue recover --target-before-xid 88123457 --to /srv/scratch/shop --dry-run",
    "pgrescue recover --method rewind-in-place --target-time 2026-11-20T02:51:07Z --confirm shop@db1",
    "pgrescue recover --repository file:///mnt/backup --latest --to /var/lib/postgresql/15/main",
    "pgrescue recover --into shop --source-database shop --database shop_monday   # a dump, into a new database",
  ],
  run: async (args, terminal) => {
    const settings = await openSettings(args, terminal);
    const code = await runAsOwner("recover", args, settings, terminal);
    if (code !== null) return code;
    const face = chooseFace(args, terminal);
    if (isAboutDump(args)) return await recoverDump(args, terminal, settings, face);
    if (readTarget(args, systemClock.now()) === null) return await withoutTarget(args, terminal, face);
    return await recover(args, terminal, settings, face);
  },
};

async function recover(args: Arguments, terminal: Terminal, settings: Settings, face: FaceName): Promise<number> {
  const plan = await planFrom(args, terminal, settings, isInteractive(face));
  const spec = await describeRecovery(plan, settings, terminal.env);
  if (args.flag("dry-run")) {
    printPlan(
      { inputs: spec.inputs, steps: await planSteps(spec.runbook, steps, spec.inputs), estimate: plan.estimate },
      args,
      terminal,
    );
    return 0;
  }
  const run = await openRun(settings.stateDirectory, spec, {
    actor: await currentActor(terminal.env),
    interactive: isInteractive(face),
    answers: answersFrom(args),
  });
  return await showRun(face, run, args, terminal);
}

/** The plan that the command line asks for. Throws `no-recovery-point` or `precondition-refused` with the planner's refusal. */
export async function planFrom(
  args: Arguments,
  terminal: Terminal,
  settings: Settings,
  interactive: boolean,
): Promise<RecoveryPlan> {
  const target = readTarget(args, systemClock.now());
  if (target === null) throw noTarget();
  const action = args.string("target-action") ?? (interactive ? "pause" : "promote");
  const scenario = args.string("scenario");
  const wish = readWish(args, target, action === "pause" ? "pause" : "promote", terminal.cwd);
  const method =
    args.string("method") === undefined && scenario !== undefined ? (scenario as typeof wish.method) : wish.method;
  const planned = await planWith({ ...wish, method }, settings, compose(settings, terminal.env));
  if (isRefusal(planned)) throw refusalError(planned);
  return planned;
}

/** A planned recovery as a run that can be started. */
export async function describeRecovery(
  plan: RecoveryPlan,
  settings: Settings,
  env: Terminal["env"],
): ReturnType<typeof describeRun> {
  const { inputs } = plan;
  return await describeRun(
    {
      kind: "recovery",
      cluster: inputs.cluster,
      runbook: plan.runbook,
      inputs: JSON.parse(JSON.stringify(inputs)),
      confirm: inputs.confirm,
      lock: { systemIdentifier: inputs.systemIdentifier, dataDirectory: inputs.dataDirectory },
    },
    settings,
    env,
  );
}

/** A planner's refusal as the error that ends a command. */
export function refusalError(refusal: PlanRefusal): PgrescueError {
  return new PgrescueError(
    refusal.refusal === "unfit-method" ? "precondition-refused" : "no-recovery-point",
    refusal.message,
    { next: refusal.next },
  );
}

async function withoutTarget(args: Arguments, terminal: Terminal, face: FaceName): Promise<number> {
  if (face !== "console" && face !== "plain") throw noTarget();
  const { command: open } = await import("./console.ts");
  return await open.run(args, terminal);
}

function noTarget(): PgrescueError {
  return new PgrescueError("usage", "recover to which moment?", {
    next: "Say one: --target-time, --target-xid, --target-before-xid, --target-lsn, --target-name, --immediate or --latest.",
  });
}
