import type { Json } from "../brand.ts";
import type { PlannedStep } from "../plan.ts";
import type { Question } from "../question.ts";
import type { Verdict } from "../verdict.ts";
import type { Actor, Outcome, RunFact } from "./events.ts";
import type { ProgressState } from "./progress.ts";

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
  /** Log lines of level `warn`; failed steps and verdicts are counted where they stand. */
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
