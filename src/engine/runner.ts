import { PgrescueError } from "../domain/errors.ts";
import type { Actor, JournalEvent, Outcome, RunEvent } from "../domain/run/events.ts";
import type { RunLaunch, RunSpec } from "../domain/run/spec.ts";
import type { RunState, StepState } from "../domain/run/state.ts";
import type { Journal } from "../ports/journal.ts";
import { createDesk, type AnswerReply } from "./desk.ts";
import { failedOutcome, finishedOutcome, stoppedOutcome } from "./outcome.ts";
import { loadStep, planSteps } from "./plan-steps.ts";
import { createRecord, journalFailure } from "./record.ts";
import { runStep, type StepRunner } from "./run-step.ts";
import type { StepRegistry } from "./step.ts";
import { createStop, Stopped } from "./stop.ts";
import { undoSteps } from "./undo-steps.ts";
import type { World } from "./world.ts";

/** Everything one attempt at a run is made of. */
export interface RunRequest {
  readonly spec: RunSpec;
  readonly launch: RunLaunch;
  /** The run's own directory. */
  readonly directory: string;
  readonly journal: Journal;
  /** What the journal held when it was opened; empty for a new run. */
  readonly history: readonly JournalEvent[];
  readonly steps: StepRegistry;
  readonly world: World;
  readonly pid: number;
  /**
   * Gives back what the attempt holds, before anybody is told that it has ended: who sees the end may begin the next thing,
   * and a process that is killed right behind it leaves nothing locked. Must not throw.
   */
  readonly letGo?: () => Promise<void>;
}

/** A run at work. It goes on whether anybody reads or not. */
export interface RunHandle {
  /** Every event from the run's first on, then those to come; each call is a reader of its own. */
  events(): AsyncIterable<RunEvent>;
  state(): RunState;
  /** How this attempt ended. Rejects only when even that could not be written down. */
  readonly finished: Promise<Outcome>;
  answer(question: string, value: string, by: Actor): Promise<AnswerReply>;
  /** Stops at the next safe point; `continue` goes on. */
  pause(by: Actor): Promise<void>;
  /** Stops as soon as the running step lets go, to be continued: what SIGTERM and SIGINT do to a headless run. */
  interrupt(signal: "SIGINT" | "SIGTERM", by: Actor): Promise<void>;
  /** Stops as soon as the running step lets go, for good; removes nothing. */
  abort(by: Actor): Promise<void>;
  note(text: string, by: Actor): Promise<void>;
}

/** Starts or continues a run: pushes its events into journal and broadcast until it ends. */
export function startRun(request: RunRequest): RunHandle {
  const { journal, history, launch, spec } = request;
  const record = createRecord(journal, history, request.world.clock);
  const stop = createStop();
  const desk = createDesk(record, history, launch, stop);
  const runner: StepRunner = {
    directory: request.directory,
    inputs: spec.inputs,
    world: request.world,
    record,
    desk,
    steps: request.steps,
    confirm: spec.confirm,
    stop,
  };

  async function work(): Promise<Outcome> {
    try {
      await open();
      return launch.task === "undo" ? await undoSteps(runner) : await runSteps(runner);
    } catch (error) {
      const failure = record.failure();
      if (failure !== null) return failedOutcome(journalFailure(failure));
      const asked = stop.requested();
      return error instanceof Stopped && asked !== null ? stoppedOutcome(record.state(), asked) : failedOutcome(error);
    }
  }

  async function open(): Promise<void> {
    if (record.state().header === null) {
      const { kind, cluster, runbook, sha256, inputs, actor, version } = spec;
      await record.append({
        event: "opened",
        kind,
        cluster,
        runbook: { id: runbook.id, version: runbook.version, sha256 },
        inputs,
        actor,
        version,
      });
    }
    if (record.state().steps.length === 0)
      await record.append({ event: "planned", steps: await planSteps(spec.runbook, request.steps, spec.inputs) });
    await record.append({ event: "started", pid: request.pid, attempt: record.state().attempt + 1 });
  }

  async function finish(): Promise<Outcome> {
    const outcome = await work();
    await request.letGo?.();
    try {
      await record.close({ event: "ended", outcome });
      return outcome;
    } finally {
      record.broadcast.close();
    }
  }

  const finished = finish();
  finished.catch(() => undefined);
  return {
    events: () => record.broadcast.read(),
    state: () => record.state(),
    finished,
    answer: (question, value, by) => desk.answer(question, value, by),
    pause: async (by) => {
      await record.append({ event: "pause-requested", by });
      stop.request({ kind: "pause", by });
    },
    interrupt: async (signal, by) => {
      // The signal counts even where it cannot be written down.
      stop.request({ kind: "interrupt", by, signal });
      await record.append({ event: "pause-requested", by });
    },
    abort: async (by) => {
      await record.append({ event: "abort-requested", by });
      stop.request({ kind: "abort", by });
    },
    note: async (text, by) => {
      await record.append({ event: "note", text, by });
    },
  };
}

async function runSteps(run: StepRunner): Promise<Outcome> {
  for (const { plan: step } of run.record.state().steps) {
    run.stop.atSafePoint();
    if (await isBehindUs(run, step.id)) continue;
    try {
      await runStep(run, step);
    } catch (error) {
      const isOver = error instanceof Stopped || run.record.failure() !== null || isDeclined(error);
      if (isOver || step.onFailure === "stop") throw error;
    }
  }
  return finishedOutcome(run.record.state());
}

/** Whether the journal says that a step is over. Steps whose effect may vanish are asked again on continuation. */
async function isBehindUs(run: StepRunner, id: string): Promise<boolean> {
  const step: StepState | undefined = run.record.state().steps.find((s) => s.plan.id === id);
  if (step === undefined || !["done", "already-done", "skipped"].includes(step.status)) return false;
  return step.status === "skipped" || (await loadStep(run.steps, step.plan.builtin)).volatile !== true;
}

function isDeclined(error: unknown): boolean {
  return error instanceof PgrescueError && error.code === "declined";
}
