import type { PlannedStep } from "../plan.ts";
import type { RunEvent, RunFact } from "./events.ts";
import { advance } from "./progress.ts";
import { emptyRun, type CommandState, type RunState, type StepState } from "./state.ts";

const logLines = 200;

/** The state after one more event. Pure; the same events give the same state, whoever folds them. */
export function reduce(state: RunState, event: RunEvent): RunState {
  const next = { ...state, run: event.run, seq: event.seq, at: event.at };
  if (event.event === "progress") return { ...next, progress: advance(state.progress, event, event.at) };
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
        question: state.question?.step === fact.step ? null : state.question,
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
          ...state.verdicts.filter((v) => v.step !== fact.step || v.verdict.check !== fact.verdict.check),
          { step: fact.step, at, verdict: fact.verdict },
        ],
      };
    case "log":
      return {
        log: [...state.log, { at, step: fact.step, level: fact.level, text: fact.text }].slice(-logLines),
        warnings: state.warnings + (fact.level === "warn" ? 1 : 0),
      };
    case "asked":
      return { question: { step: fact.step, at, question: fact.question } };
    case "answered":
      return {
        question: state.question?.question.id === fact.question ? null : state.question,
        answers: [...state.answers, { question: fact.question, at, value: fact.value, by: fact.by }],
      };
    case "note":
      return { notes: [...state.notes, { at, text: fact.text, by: fact.by }] };
    case "pause-requested":
      return { requested: { kind: "pause", by: fact.by, at } };
    case "abort-requested":
      return { requested: { kind: "abort", by: fact.by, at } };
    case "repaired":
      return {
        log: [...state.log, { at, step: "", level: "warn" as const, text: fact.found }].slice(-logLines),
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

function changed(state: RunState, id: string, how: (step: StepState) => StepState): readonly StepState[] {
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
