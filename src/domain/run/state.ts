import type { Json } from "../brand.ts";
import type { PlannedStep } from "../plan.ts";
import type { Question } from "../question.ts";
import type { Verdict } from "../verdict.ts";
import type { Actor, Outcome, RunEvent, RunFact } from "./events.ts";
import { advance, type ProgressState } from "./progress.ts";

/** `cut-off`: started, never finished, and the runner is gone; the world is asked on continuation. */
export type StepStatus =
  | "waiting"
  | "running"
  | "cut-off"
  | "done"
  | "already-done"
  | "skipped"
  | "failed"
  | "undoing"
  | "undone";

export interface StepState {
  readonly plan: PlannedStep;
  readonly status: StepStatus;
  /** ISO 8601 UTC, of the latest attempt. */
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly milliseconds: number | null;
  /** How often it was begun. */
  readonly attempts: number;
  /** Why it was skipped or failed. */
  readonly reason: string | null;
  /** What it said it would do, once it began; before that the plan's words. */
  readonly describe: string;
}

/** A command as it ran; `exit` and `milliseconds` are null while it runs, and for ever when the runner died over it. */
export interface CommandState {
  readonly step: string;
  readonly at: string;
  readonly argv: readonly string[];
  readonly as: string | null;
  readonly exit: number | null;
  readonly signal: string | null;
  readonly milliseconds: number | null;
  readonly tail: readonly string[];
}

export interface LogLine {
  readonly at: string;
  readonly step: string;
  readonly level: "info" | "warn";
  readonly text: string;
}

export type RunHeader = Omit<Extract<RunFact, { event: "opened" }>, "event"> & {
  readonly openedAt: string;
};

/** Everything a face shows, made from events alone. */
export interface RunState {
  readonly run: string;
  /** null before the first event. */
  readonly header: RunHeader | null;
  readonly steps: readonly StepState[];
  /** The running step's id. */
  readonly current: string | null;
  /** Of the running step; null between steps and before the first tick. */
  readonly progress: ProgressState | null;
  readonly verdicts: readonly {
    readonly step: string;
    readonly at: string;
    readonly verdict: Verdict;
  }[];
  /** Values recorded by steps, by name; the latest wins. */
  readonly recorded: { readonly [name: string]: Json };
  readonly commands: readonly CommandState[];
  /** The question that waits for an answer, if one does. */
  readonly question: {
    readonly step: string;
    readonly at: string;
    readonly question: Question;
  } | null;
  readonly answers: readonly {
    readonly question: string;
    readonly at: string;
    readonly value: string;
    readonly by: Actor;
  }[];
  readonly notes: readonly { readonly at: string; readonly text: string; readonly by: Actor }[];
  /** The last 200 lines. */
  readonly log: readonly LogLine[];
  readonly warnings: number;
  /** Set while a request waits for the next safe point. */
  readonly requested: {
    readonly kind: "pause" | "abort";
    readonly by: Actor;
    readonly at: string;
  } | null;
  /** How often a runner worked on it; 0 before the first start. */
  readonly attempt: number;
  /** The runner of the current attempt; null when none works on it. */
  readonly pid: number | null;
  readonly startedAt: string | null;
  /** How the current attempt ended; null while it is open, also when its runner died. */
  readonly outcome: Outcome | null;
  readonly endedAt: string | null;
  readonly seq: number;
  /** Of the newest event, ticks included. */
  readonly at: string | null;
}

/** The state before any event. */
export const emptyRun: RunState = {
  run: "",
  header: null,
  steps: [],
  current: null,
  progress: null,
  verdicts: [],
  recorded: {},
  commands: [],
  question: null,
  answers: [],
  notes: [],
  log: [],
  warnings: 0,
  requested: null,
  attempt: 0,
  pid: null,
  startedAt: null,
  outcome: null,
  endedAt: null,
  seq: 0,
  at: null,
};

const logLines = 200;

/** The state after one more event. Pure; the same events give the same state, whoever folds them. */
export function reduce(state: RunState, event: RunEvent): RunState {
  const next = { ...state, run: event.run, seq: event.seq, at: event.at };
  if (event.event === "progress")
    return { ...next, progress: advance(state.progress, event, event.at) };
  return { ...next, ...change(state, event, event.at) };
}

/** The state that a list of events leads to. */
export function fold(events: Iterable<RunEvent>): RunState {
  let state = emptyRun;
  for (const event of events) state = reduce(state, event);
  return state;
}

function change(state: RunState, fact: RunFact, at: string): Partial<RunState> {
  switch (fact.event) {
    case "opened": {
      const { kind, cluster, runbook, inputs, actor, version } = fact;
      return { header: { kind, cluster, runbook, inputs, actor, version, openedAt: at } };
    }
    case "planned":
      return { steps: fact.steps.map(waiting) };
    case "started":
      return {
        attempt: fact.attempt,
        pid: fact.pid,
        startedAt: at,
        outcome: null,
        endedAt: null,
        requested: null,
        ...stopped(state),
      };
    case "step-started":
      return {
        current: fact.step,
        progress: null,
        steps: changed(state, fact.step, (s) => ({
          ...s,
          status: "running",
          startedAt: at,
          finishedAt: null,
          milliseconds: null,
          reason: null,
          describe: fact.describe,
          attempts: s.attempts + 1,
        })),
      };
    case "step-finished":
      return {
        current: null,
        progress: null,
        warnings: state.warnings + (fact.result === "failed" ? 1 : 0),
        steps: changed(state, fact.step, (s) => ({
          ...s,
          status: fact.result,
          finishedAt: at,
          milliseconds: fact.milliseconds,
          reason: fact.reason ?? null,
        })),
      };
    case "undo-started":
      return {
        current: fact.step,
        progress: null,
        steps: changed(state, fact.step, (s) => ({ ...s, status: "undoing", startedAt: at })),
      };
    case "step-undone":
      return {
        current: null,
        progress: null,
        steps: changed(state, fact.step, (s) => ({ ...s, status: "undone", finishedAt: at })),
      };
    case "command-started":
      return {
        commands: [
          ...state.commands,
          {
            step: fact.step,
            at,
            argv: fact.argv,
            as: fact.as ?? null,
            exit: null,
            signal: null,
            milliseconds: null,
            tail: [],
          },
        ],
      };
    case "command-finished":
      return { commands: commandFinished(state.commands, fact) };
    case "recorded":
      return { recorded: { ...state.recorded, [fact.name]: fact.value } };
    case "verdict":
      return {
        verdicts: [
          ...state.verdicts.filter(
            (v) => v.step !== fact.step || v.verdict.check !== fact.verdict.check,
          ),
          { step: fact.step, at, verdict: fact.verdict },
        ],
      };
    case "log":
      return {
        log: [...state.log, { at, step: fact.step, level: fact.level, text: fact.text }].slice(
          -logLines,
        ),
        warnings: state.warnings + (fact.level === "warn" ? 1 : 0),
      };
    case "asked":
      return { question: { step: fact.step, at, question: fact.question } };
    case "answered":
      return {
        question: state.question?.question.id === fact.question ? null : state.question,
        answers: [
          ...state.answers,
          { question: fact.question, at, value: fact.value, by: fact.by },
        ],
      };
    case "note":
      return { notes: [...state.notes, { at, text: fact.text, by: fact.by }] };
    case "pause-requested":
      return { requested: { kind: "pause", by: fact.by, at } };
    case "abort-requested":
      return { requested: { kind: "abort", by: fact.by, at } };
    case "repaired":
      return {
        log: [...state.log, { at, step: "", level: "warn" as const, text: fact.found }].slice(
          -logLines,
        ),
      };
    case "ended":
      return { outcome: fact.outcome, endedAt: at, pid: null, requested: null, ...stopped(state) };
  }
}

/** A step that was running when its runner went away is neither done nor failed. */
function stopped(state: RunState): Pick<RunState, "steps" | "current" | "progress"> {
  const isOpen = (s: StepState): boolean => s.status === "running" || s.status === "undoing";
  return {
    current: null,
    progress: null,
    steps: state.steps.some(isOpen)
      ? state.steps.map((s) => (isOpen(s) ? { ...s, status: "cut-off" } : s))
      : state.steps,
  };
}

function waiting(plan: PlannedStep): StepState {
  return {
    plan,
    status: "waiting",
    startedAt: null,
    finishedAt: null,
    milliseconds: null,
    attempts: 0,
    reason: null,
    describe: plan.describe,
  };
}

function changed(
  state: RunState,
  id: string,
  how: (step: StepState) => StepState,
): readonly StepState[] {
  return state.steps.map((s) => (s.plan.id === id ? how(s) : s));
}

function commandFinished(
  commands: readonly CommandState[],
  fact: Extract<RunFact, { event: "command-finished" }>,
): readonly CommandState[] {
  const same = (c: CommandState): boolean =>
    c.milliseconds === null && c.step === fact.step && c.argv.join("\0") === fact.argv.join("\0");
  const at = commands.findLastIndex(same);
  return commands.map((c, i) =>
    i === at
      ? {
          ...c,
          exit: fact.exit,
          signal: fact.signal ?? null,
          milliseconds: fact.milliseconds,
          tail: fact.tail ?? [],
        }
      : c,
  );
}
