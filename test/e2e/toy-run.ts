import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createRunDirectory } from "../../src/adapters/journal/run-directory.ts";
import { launchRun, type LaunchOptions } from "../../src/cli/run/launch-run.ts";
import type { AttachedRun } from "../../src/cli/run/attach-run.ts";
import type { RunEvent } from "../../src/domain/run/events.ts";
import type { RunSpec } from "../../src/domain/run/spec.ts";
import { fold } from "../../src/domain/run/reduce.ts";
import type { RunState } from "../../src/domain/run/state.ts";
import { anna, makeToy, toyRunbook, toySpec, toyStep, type Toy } from "../engine/toy-world.ts";

export function toyRunnerCommand(runDirectory: string): readonly string[] {
  return [process.execPath, script("toy-runner.ts"), runDirectory];
}

export function script(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

export interface ToyRun {
  readonly toy: Toy;
  readonly stateDirectory: string;
  readonly directory: string;
  launch(options?: Partial<LaunchOptions>): Promise<AttachedRun>;
}

/** A run of toy steps, ready to be launched. The toy's place reaches the runner through the environment. */
export async function makeToyRun(
  base: string,
  steps: readonly string[],
  options: {
    readonly stateDirectory?: string;
    readonly spec?: Partial<RunSpec>;
    readonly production?: readonly string[];
  } = {},
): Promise<ToyRun> {
  const place = join(base, "toy");
  await mkdir(place, { recursive: true });
  await chmod(place, 0o777);
  const toy = await makeToy(place);
  const stateDirectory = options.stateDirectory ?? join(base, "state");
  const runbook = toyRunbook(
    steps.map((name) => toyStep(name, options.production?.includes(name) === true ? { risk: "production" } : {})),
  );
  const directory = await createRunDirectory(stateDirectory, toySpec(runbook, options.spec));
  process.env["TOY"] = place;
  return {
    toy,
    stateDirectory,
    directory,
    launch: (launch = {}) =>
      launchRun(directory, { actor: anna, interactive: false, answers: {}, argv: toyRunnerCommand, ...launch }),
  };
}

/** Reads a run to its end. */
export async function watch(events: AsyncIterable<RunEvent>): Promise<RunState> {
  const all: RunEvent[] = [];
  for await (const event of events) all.push(event);
  return fold(all);
}

/** Reads until an event fits; the reading can go on with the same iterator. */
export async function until(iterator: AsyncIterator<RunEvent>, fits: (event: RunEvent) => boolean): Promise<RunEvent> {
  for (;;) {
    const next = await iterator.next();
    if (next.done === true) throw new Error("the events ended first");
    if (fits(next.value)) return next.value;
  }
}
