import { thisProgram } from "../adapters/system/program.ts";
import { compose } from "../compose.ts";
import { isRefusal } from "../domain/refusal.ts";
import { planSteps } from "../engine/plan-steps.ts";
import { pointEntry } from "../engine/planning/points-document.ts";
import type { RecoveryPlan } from "../engine/planning/plan-recovery.ts";
import { steps } from "../engine/steps/registry.ts";
import type { Arguments, Command } from "./command.ts";
import { handRestoreCommand, recoveryLines } from "./emit-recovery.ts";
import { planHead } from "./plan-lines.ts";
import { planningOptions, planWith, readWish } from "./planning.ts";
import { planDocument, printPlan } from "./print-plan.ts";
import { describeRecovery, refusalError } from "./recover.ts";
import { openSettings, type Settings } from "./settings.ts";
import { readTarget } from "./target-options.ts";

export const command: Command = {
  summary: "the steps of a recovery with commands and estimates; nothing is changed",
  usage: "plan [TARGET] [--method METHOD] [--to DIR] [--emit recovery]",
  description:
    "Finds the target in the WAL, chooses backup and timeline, checks that the WAL between is unbroken. Without\na target everything there is (--latest). --emit recovery prints just the settings and the restore_command,\nfor a recovery by hand. Exit codes: 20 the moment cannot be reached, 30 the way must not be taken.",
  options: {
    ...planningOptions,
    emit: { type: "string", value: "WHAT", summary: "only the settings for a recovery by hand", choices: ["recovery"] },
  },
  examples: [
    'pgrescue plan --target-time "10 minutes ago" --to /srv/scratch/look    # beside production',
    "pgrescue plan --target-before-xid 88123457 --method rewind-in-place    # undo that transaction",
    "pgrescue plan --latest --repository file:///mnt/backup --to /srv/new   # an empty host",
    "pgrescue plan --target-name pre-deploy --emit recovery                 # for use by hand",
  ],
  run: async (args, terminal) => {
    const settings = await openSettings(args, terminal);
    const world = compose(settings, terminal.env);
    const target = readTarget(args, world.clock.now()) ?? {
      target: { kind: "latest" },
      inclusive: true,
      timeline: null,
    };
    const emits = args.string("emit") === "recovery";
    const action =
      args.string("target-action") === "pause" || (emits && args.string("target-action") === undefined)
        ? "pause"
        : "promote";
    const wish = readWish(args, target, action, terminal.cwd);
    // By hand it is the operator who says where: the plan needs some place that is nobody's.
    const plan = await planWith(
      emits && wish.to === null && wish.method !== "rewind-in-place" ? { ...wish, to: "/nonexistent/by-hand" } : wish,
      settings,
      world,
    );
    if (isRefusal(plan)) throw refusalError(plan);
    if (emits) {
      for (const line of recoveryLines(
        plan.inputs,
        handRestoreCommand({ ...thisProgram(), words: fetchWords(args, settings, plan) }),
      ))
        terminal.print(line);
      return 0;
    }
    const spec = await describeRecovery(plan, settings, terminal.env);
    const printable = {
      inputs: spec.inputs,
      steps: await planSteps(spec.runbook, steps, spec.inputs),
      estimate: plan.estimate,
    };
    if (args.flag("json")) {
      const { id, version } = spec.runbook;
      terminal.print(
        JSON.stringify({
          ...planDocument(printable),
          runbook: { id, version, sha256: spec.sha256 },
          point: pointEntry(plan.point),
          warnings: plan.inputs.warnings,
        }),
      );
      return 0;
    }
    for (const line of planHead(plan)) terminal.print(line);
    printPlan(printable, args, terminal);
    return 0;
  },
};

function fetchWords(args: Arguments, settings: Settings, plan: RecoveryPlan): readonly string[] {
  const { file } = settings.loaded;
  const byUrl = args.string("repository") === undefined ? undefined : settings.repositories[0]?.url;
  return [
    ...(file === null ? [] : ["--config", file]),
    "--cluster",
    plan.inputs.cluster,
    ...(byUrl === undefined ? [] : ["--repository", byUrl]),
  ];
}
