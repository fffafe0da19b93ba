import { createRunDirectory, writeLaunch } from "../../adapters/journal/run-directory.ts";
import { spawnRunner } from "../../adapters/system/detached.ts";
import { thisProgram, type Program } from "../../adapters/system/program.ts";
import type { Actor } from "../../domain/run/events.ts";
import type { RunLaunch, RunSpec } from "../../domain/run/spec.ts";
import { attachRun, type AttachedRun, type EarlySignals } from "./attach-run.ts";

/** How an attempt begins: who wants it, and what was answered in advance. */
export interface LaunchOptions {
  readonly actor: Actor;
  readonly interactive: boolean;
  readonly answers: { readonly [flag: string]: string };
  readonly task?: RunLaunch["task"];
  readonly lockWaitMilliseconds?: number;
  /** The hidden verb and the program that become the runner; this program's `__runner` unless a test says otherwise. */
  readonly argv?: (runDirectory: string) => readonly string[];
}

/** Writes down a new run, starts its runner and joins it. Throws what the runner reports (`locked`, `config` ...). */
export async function openRun(stateDirectory: string, spec: RunSpec, options: LaunchOptions): Promise<AttachedRun> {
  return launchRun(await createRunDirectory(stateDirectory, spec), options);
}

/** Starts a runner on a run that exists, new or to be continued, and joins it. */
export async function launchRun(runDirectory: string, options: LaunchOptions): Promise<AttachedRun> {
  const { actor, interactive, answers, task = "run" } = options;
  const wait = options.lockWaitMilliseconds === undefined ? {} : { lockWaitMilliseconds: options.lockWaitMilliseconds };
  await writeLaunch(runDirectory, { schema: "pgrescue.run-launch/v1", interactive, answers, actor, task, ...wait });
  const argv = options.argv ?? ((directory: string) => runnerCommand(thisProgram(), directory));
  const early = catchSignals();
  try {
    await spawnRunner({ runDirectory, argv: argv(runDirectory) });
    const run = await attachRun(runDirectory, actor);
    // Whoever shows the run takes the signals over: none must fall between two listeners.
    if (!interactive)
      return {
        ...run,
        early,
        close: () => {
          early.release();
          run.close();
        },
      };
    early.release();
    return run;
  } catch (error) {
    early.release();
    throw error;
  }
}

/** A signal that comes while the runner starts counts as one that comes while it is watched. */
function catchSignals(): EarlySignals {
  let signal: "SIGINT" | "SIGTERM" | null = null;
  const remember = (name: NodeJS.Signals): void => {
    if (name === "SIGINT" || name === "SIGTERM") signal = name;
  };
  process.on("SIGINT", remember).on("SIGTERM", remember);
  return {
    caught: () => signal,
    release: () => void process.off("SIGINT", remember).off("SIGTERM", remember),
  };
}

/**
 * Flags of the Node that runs a runner. V8 would let 100 MB of what a hundred thousand small files leave behind pile up
 * before it looks; with a small nursery, and a heap that grows by a quarter between two looks, it looks sooner, and copying
 * large files takes as long as before.
 */
export const runnerFlags: readonly string[] = ["--max-semi-space-size=4", "--heap-growing-percent=25"];

function runnerCommand(program: Program, runDirectory: string): readonly string[] {
  return [program.node, ...runnerFlags, program.script, "__runner", runDirectory];
}
