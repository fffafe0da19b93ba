import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { Config } from "../../adapters/config/schema.ts";
import { openJournal, readJournal } from "../../adapters/journal/file-journal.ts";
import { readLaunch, readSpec, runFiles } from "../../adapters/journal/run-directory.ts";
import { systemClock } from "../../adapters/system/clock.ts";
import { reportFailure, reportReady } from "../../adapters/system/detached.ts";
import { acquireLock, type HeldLock } from "../../adapters/system/lock.ts";
import { serveFaces } from "../../adapters/system/runner-socket.ts";
import { PgrescueError } from "../../domain/errors.ts";
import { formatInstant } from "../../domain/instant.ts";
import type { Actor } from "../../domain/run/events.ts";
import type { RunSpec } from "../../domain/run/spec.ts";
import type { RunState } from "../../domain/run/state.ts";
import { startRun, type RunHandle } from "../../engine/runner.ts";
import type { StepRegistry } from "../../engine/step.ts";
import type { World } from "../../engine/world.ts";
import { currentActor } from "./actor.ts";
import { holdForRun } from "./hold-run.ts";
import { openLeases, type OpenedLeases } from "./run-leases.ts";
import { notifyEnd, notifyStart } from "./notify-run.ts";
import { recordRun } from "./record-run.ts";

/** What compose.ts gives a runner. */
export interface RunnerWiring {
  readonly steps: StepRegistry;
  /** Opens the world that the run was planned in, from what its spec kept of the settings. */
  /** `guard` is asked before anything is written to a repository or removed from it. */
  openWorld(spec: RunSpec, runDirectory: string, guard: (repository: string) => Promise<void>): Promise<World>;
  /** Those who want to know of runs, by the configuration. */
  notify?(spec: RunSpec): Promise<Config["notify"]>;
}

/**
 * The whole life of a runner process: lock, journal, world, work, faces. Gives the exit code of the attempt. What goes
 * wrong before the work begins is reported to whoever started it, and thrown.
 */
export async function runRunner(runDirectory: string, wiring: RunnerWiring): Promise<number> {
  let locks: readonly HeldLock[] = [];
  let leases: OpenedLeases | null = null;
  const working = Promise.withResolvers<RunHandle>();
  let closeJournal: () => Promise<void>;
  let faces: { close(): Promise<void> };
  let record: (state: RunState) => Promise<void>;
  try {
    const spec = await readSpec(runDirectory);
    const launch = await readLaunch(runDirectory);
    const actor = await currentActor(process.env);
    locks = await takeLocks(runDirectory, spec, actor, launch.lockWaitMilliseconds ?? 800);
    const { journal, history, brokenAt } = await openJournal(join(runDirectory, runFiles.journal), {
      run: spec.run,
      clock: systemClock,
    });
    if (brokenAt !== null) throw brokenChain(spec.run, brokenAt);
    closeJournal = () => journal.close();
    leases = await openLeases(spec, actor.user, (guard) => wiring.openWorld(spec, runDirectory, guard));
    const { world } = leases;
    const endHold = await holdForRun(spec, world);
    const targets = (await wiring.notify?.(spec)) ?? [];
    record = async (state) => {
      await endHold(state);
      // First into the history: the next run's end means something else after this one, however long messages take.
      await recordRun(spec, state, world);
      await notifyEnd(targets, state, world, process.env, join(runDirectory, "..", ".."));
    };
    faces = await serveFaces(runDirectory, {
      lines: () => linesOf(working.promise),
      handle: async (message) => handle(await working.promise, message),
    });
    const held = leases;
    const letGo = (): Promise<void> => Promise.race([held.release(), delay(goodbye, undefined, { ref: false })]);
    const request = { spec, launch, directory: runDirectory, journal, history, world, pid: process.pid, letGo };
    const run = startRun({ ...request, steps: wiring.steps });
    listenToSignals(run, actor);
    working.resolve(run);
    await reportReady();
    // Nobody waits for it: the work has begun.
    void begun(run, (state) => notifyStart(targets, state, world, process.env));
  } catch (error) {
    await leases?.release();
    await reportFailure(error);
    for (const lock of locks) await lock.release();
    throw error;
  }
  try {
    const run = await working.promise;
    const { exitCode } = await run.finished;
    await record(run.state());
    return exitCode;
  } finally {
    await leases.release();
    await closeJournal();
    const [own, ...others] = locks;
    for (const lock of others) await lock.release();
    await faces.close();
    // Last: until here the socket in the run directory is ours.
    await own?.release();
  }
}

/** Waits for the run's own first line, then tells of it. */
async function begun(run: RunHandle, tell: (state: RunState) => Promise<void>): Promise<void> {
  for await (const event of run.events()) if (event.event === "started") return tell(run.state());
}

/** How long a run's end may wait for its leases to be given back, in milliseconds: a store that is away must not hide it. */
const goodbye = 5000;

/** Milliseconds in which the previous runner, its attempt over, may finish saying goodbye to its faces. */
async function ownPatience(runDirectory: string): Promise<number> {
  const last = await readJournal(join(runDirectory, runFiles.journal)).then(
    ({ events }) => events.at(-1),
    () => undefined,
  );
  return last?.event === "ended" ? 2500 : 0;
}

/** One runner per run, and one run per cluster and data directory. The run's own lock comes first. */
async function takeLocks(
  runDirectory: string,
  spec: RunSpec,
  actor: Actor,
  patience: number,
): Promise<readonly HeldLock[]> {
  const common = {
    run: spec.run,
    user: actor.user,
    since: formatInstant(systemClock.now()),
    stateDirectory: join(runDirectory, "..", ".."),
  };
  const own = await patiently(await ownPatience(runDirectory), () =>
    acquireLock({ ...common, systemIdentifier: "run", dataDirectory: runDirectory }),
  );
  const { lock } = spec;
  if (lock === null) return [own];
  try {
    return [own, await patiently(patience, () => acquireLock({ ...common, ...lock }))];
  } catch (error) {
    await own.release();
    throw error;
  }
}

async function patiently(milliseconds: number, acquire: () => Promise<HeldLock>): Promise<HeldLock> {
  const until = systemClock.monotonic() + milliseconds;
  for (;;) {
    try {
      return await acquire();
    } catch (error) {
      if (!(error instanceof PgrescueError) || error.code !== "locked" || systemClock.monotonic() >= until) throw error;
      await systemClock.sleep(200);
    }
  }
}

function listenToSignals(run: RunHandle, actor: Actor): void {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => void run.interrupt(signal, actor).catch(() => undefined));
  }
  // Without a terminal it comes from nobody that may stop the work.
  process.on("SIGHUP", () => undefined);
}

async function* linesOf(run: Promise<RunHandle>): AsyncGenerator<string> {
  for await (const event of (await run).events()) yield JSON.stringify(event);
}

const by = z.object({
  user: z.string(),
  host: z.string(),
  pid: z.number(),
  tty: z.string().exactOptional(),
  ssh: z.string().exactOptional(),
});

const messageSchema = z.discriminatedUnion("do", [
  z.object({ do: z.literal("answer"), question: z.string(), value: z.string(), by }),
  z.object({ do: z.literal("note"), text: z.string(), by }),
  z.object({ do: z.literal("pause"), by }),
  z.object({ do: z.literal("abort"), by }),
  z.object({ do: z.literal("interrupt"), signal: z.enum(["SIGINT", "SIGTERM"]), by }),
]);

/** What a face may ask of a runner. */
export type RunnerMessage = z.infer<typeof messageSchema>;

async function handle(run: RunHandle, raw: unknown): Promise<unknown> {
  const parsed = messageSchema.safeParse(raw);
  if (!parsed.success)
    throw new PgrescueError("usage", "the runner does not understand this; is it of another version?");
  const message = parsed.data;
  if (message.do === "answer") return run.answer(message.question, message.value, message.by);
  if (message.do === "note") await run.note(message.text, message.by);
  else if (message.do === "interrupt") await run.interrupt(message.signal, message.by);
  else await run[message.do](message.by);
  return null;
}

function brokenChain(run: string, line: number): PgrescueError {
  return new PgrescueError(
    "damaged-data",
    `the journal of ${run} does not fit together at line ${line}: somebody changed it`,
    {
      means: "What the journal says was done cannot be relied on; the data itself is not touched by that.",
      next: "Look at the data directory by hand and start a new run rather than continuing this one.",
    },
  );
}
