import { createRunDirectory } from "../../adapters/journal/run-directory.ts";
import { compose } from "../../compose.ts";
import type { Json } from "../../domain/brand.ts";
import type { RunSpec } from "../../domain/run/spec.ts";
import { planSteps } from "../../engine/plan-steps.ts";
import { steps } from "../../engine/steps/registry.ts";
import type { Arguments, Terminal } from "../command.ts";
import { printPlan } from "../print-plan.ts";
import type { Settings } from "../settings.ts";
import { currentActor } from "./actor.ts";
import { launchRun } from "./launch-run.ts";
import { startWhenFree } from "./lock-options.ts";
import { describeRun } from "./open-spec.ts";
import { showRun } from "./show-any.ts";
import { chooseFace, isInteractive } from "./show-run.ts";

/** A run that needs no console: the shell it is started from would only be covered by it. */
export interface UnattendedRun {
  readonly kind: RunSpec["kind"];
  readonly cluster: string;
  readonly runbook: string;
  readonly inputs: { readonly [key: string]: Json };
  readonly confirm: string;
  /** Answers that the command line gave already. */
  readonly answers?: { readonly [flag: string]: string };
  /** Asked when the repositories are free: whoever had them may have done it meanwhile. Says so itself. */
  readonly isDone?: () => Promise<boolean>;
  /** Told the run's name when it is opened. */
  readonly onOpened?: (run: string) => void;
}

/** Opens the run, once its repositories are free, and shows it to its end; with --dry-run only prints its steps. Gives the exit code. */
export async function runUnattended(
  { answers = {}, isDone, onOpened, ...run }: UnattendedRun,
  settings: Settings,
  args: Arguments,
  terminal: Terminal,
): Promise<number> {
  const spec = await describeRun({ ...run, lock: null }, settings, terminal.env);
  if (args.flag("dry-run")) {
    const planned = await planSteps(spec.runbook, steps, spec.inputs);
    printPlan({ inputs: run.inputs, steps: planned, estimate: null }, args, terminal);
    return 0;
  }
  const face = chooseFace(args, terminal);
  const options = { actor: await currentActor(terminal.env), interactive: isInteractive(face), answers };
  let directory: string | null = null;
  const opened = await startWhenFree(spec, compose(settings, terminal.env), args, terminal, async () => {
    if ((await isDone?.()) === true) return null;
    directory ??= await createRunDirectory(settings.stateDirectory, spec);
    onOpened?.(spec.run);
    return launchRun(directory, options);
  });
  if (opened === null) return 0;
  return await showRun(face === "console" ? "headless" : face, opened, args, terminal);
}
