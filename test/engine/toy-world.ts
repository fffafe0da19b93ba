import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openJournal, readJournal } from "../../src/adapters/journal/file-journal.ts";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { createShell } from "../../src/adapters/system/exec.ts";
import type { JournalEvent, Outcome } from "../../src/domain/run/events.ts";
import type { RunLaunch, RunSpec } from "../../src/domain/run/spec.ts";
import type { Runbook, RunbookStep } from "../../src/domain/runbook.ts";
import { startRun, type RunHandle } from "../../src/engine/runner.ts";
import type { StepContext, StepKind, StepRegistry } from "../../src/engine/step.ts";
import type { World } from "../../src/engine/world.ts";
import type { Journal } from "../../src/ports/journal.ts";

export const anna = { user: "anna", host: "db1", pid: 7 };

/** Steps only see the parts of the world that toys use; touching another one fails loudly. */
export const toyWorld = { clock: systemClock, shell: createShell() } as unknown as World;

/** A directory with a program that changes it: `effect do NAME`, `effect undo NAME`. What it did is kept in order. */
export interface Toy {
  readonly directory: string;
  readonly program: string;
  effects(): Promise<readonly string[]>;
  standing(): Promise<readonly string[]>;
}

export async function makeToy(directory: string): Promise<Toy> {
  const program = join(directory, "effect");
  await mkdir(join(directory, "standing"));
  const script = `#!/bin/sh\ncd '${directory}' || exit 9\nif [ "$1" = fail ]; then echo "no luck" >&2; exit 3; fi\necho "$1 $2" >> effects.log\nif [ "$1" = do ]; then : > "standing/$2"; else rm "standing/$2"; fi\n`;
  await writeFile(program, script);
  await chmod(program, 0o755);
  return openToy(directory);
}

/** A toy that was made before, perhaps by another process. */
export function openToy(directory: string): Toy {
  return {
    directory,
    program: join(directory, "effect"),
    effects: async () =>
      (await readFile(join(directory, "effects.log"), "utf8").catch(() => "")).split("\n").filter((l) => l !== ""),
    standing: async () => (await readdir(join(directory, "standing"))).sort(),
  };
}

interface ToyParameters {
  readonly name: string;
}

/** A kind of step whose effect is one file, made by the toy's program; looks for the file to tell whether it is done. */
export function toyKind(
  toy: Toy,
  name: string,
  overrides: Partial<StepKind<ToyParameters>> = {},
): StepKind<ToyParameters> {
  return {
    name,
    risk: "scratch",
    parse: () => ({ name }),
    describe: (p) => ({ text: `make ${p.name}`, commands: [[toy.program, "do", p.name]] }),
    probe: async (p) => ((await toy.standing()).includes(p.name) ? "done" : "absent"),
    run: (p, ctx) => doIt(toy, p.name, ctx),
    undo: (p, ctx) => undoIt(toy, p.name, ctx),
    ...overrides,
  };
}

async function* doIt(toy: Toy, name: string, ctx: StepContext) {
  yield { signal: "progress", done: 0, total: 1, unit: "files", doing: name } as const;
  await ctx.command([toy.program, "do", name]);
  yield { signal: "recorded", name: `${name}.made`, value: true } as const;
}

async function* undoIt(toy: Toy, name: string, ctx: StepContext) {
  await ctx.command([toy.program, "undo", name]);
  yield { signal: "log", level: "info", text: `took ${name} back` } as const;
}

export function registryOf(kinds: readonly StepKind<ToyParameters>[]): StepRegistry {
  return Object.fromEntries(
    kinds.map((step) => [step.name, async () => ({ step: step as unknown as StepKind<never> })]),
  );
}

export function toyStep(builtin: string, overrides: Partial<RunbookStep> = {}): RunbookStep {
  return {
    id: builtin,
    title: `Make ${builtin}`,
    why: "Because it is a test.",
    phase: "execute",
    risk: "scratch",
    do: { builtin },
    undo: "remove it",
    ...overrides,
  };
}

export function toyRunbook(steps: readonly RunbookStep[]): Runbook {
  return {
    schema: "pgrescue.runbook/v1",
    id: "toy",
    version: "1.0.0",
    title: "Toy",
    symptoms: [],
    use_when: "Testing.",
    not_for: "Anything else.",
    outcome: "Files.",
    inputs: [],
    steps,
  };
}

export function toySpec(runbook: Runbook, overrides: Partial<RunSpec> = {}): RunSpec {
  return {
    schema: "pgrescue.run-spec/v1",
    run: "R20261120-0314-k3f",
    kind: "recovery",
    cluster: "shop",
    runbook,
    sha256: "0".repeat(64),
    inputs: {},
    confirm: "shop@db1",
    actor: anna,
    version: "0.0.0",
    lock: null,
    settings: {},
    ...overrides,
  };
}

export function toyLaunch(overrides: Partial<RunLaunch> = {}): RunLaunch {
  return { schema: "pgrescue.run-launch/v1", interactive: false, answers: {}, actor: anna, task: "run", ...overrides };
}

/** What a test starts: one attempt on the journal in the toy's directory. */
export interface Attempt {
  readonly toy: Toy;
  readonly spec: RunSpec;
  readonly steps: StepRegistry;
  readonly launch?: RunLaunch;
  /** Stands between engine and journal: power cuts. */
  readonly wrap?: (journal: Journal) => Journal;
  readonly letGo?: () => Promise<void>;
}

export async function start(attempt: Attempt): Promise<RunHandle & { readonly ended: Promise<Outcome> }> {
  const { journal, history } = await openJournal(journalOf(attempt.toy), { run: attempt.spec.run, clock: systemClock });
  const handle = startRun({
    spec: attempt.spec,
    launch: attempt.launch ?? toyLaunch(),
    directory: attempt.toy.directory,
    journal: attempt.wrap?.(journal) ?? journal,
    history,
    steps: attempt.steps,
    world: toyWorld,
    pid: 4711,
    ...(attempt.letGo === undefined ? {} : { letGo: attempt.letGo }),
  });
  const ended = closing(handle.finished, journal);
  ended.catch(() => undefined);
  return { ...handle, ended };
}

async function closing(finished: Promise<Outcome>, journal: Journal): Promise<Outcome> {
  try {
    return await finished;
  } finally {
    await journal.close();
  }
}

export async function runToEnd(attempt: Attempt): Promise<Outcome> {
  return (await start(attempt)).ended;
}

export async function journaled(toy: Toy): Promise<readonly JournalEvent[]> {
  const { events, torn, brokenAt } = await readJournal(journalOf(toy));
  if (torn || brokenAt !== null) throw new Error(`the journal is not whole: torn ${torn}, broken at ${brokenAt}`);
  return events;
}

function journalOf(toy: Toy): string {
  return join(toy.directory, "journal.jsonl");
}
