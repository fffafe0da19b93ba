import { resultWord } from "../ending.ts";
import type { Model, RunSlice, ScreenName } from "./model.ts";
import { go, scrollKeys, step, type Binding, type Screen } from "./screen.ts";

/** The views of a run in the order of Tab. */
export const runViews: readonly ScreenName[] = ["execute", "verify", "resume", "record"];

/** The screen for the phase that the run is in. */
export function screenOfRun(run: RunSlice): ScreenName {
  const { state } = run;
  const current = state.steps.find((s) => s.plan.id === state.current);
  const last = state.steps.findLast((s) => s.startedAt !== null);
  const phase = (current ?? last)?.plan.phase;
  return phase === "verify" || phase === "resume" ? phase : "execute";
}

/** Whether a new runner may go on with it. */
function isResumable(run: RunSlice): boolean {
  if (run.isLive && !run.isOver) return false;
  const { outcome } = run.state;
  return outcome === null || outcome.result === "paused" || outcome.result === "failed";
}

function nextView(model: Model, by: number): ScreenName {
  const at = runViews.indexOf(model.path.at(-1) ?? "execute");
  return runViews[(at + by + runViews.length) % runViews.length] ?? "execute";
}

const liveOnly = (model: Model): string | null => {
  const { run } = model;
  if (run === null) return "there is no run";
  if (run.state.outcome !== null) return `the run has ${resultWord(run.state.outcome)}`;
  return run.isLive && !run.isOver ? null : "no runner works on it";
};

const shared: readonly Binding[] = [
  {
    keys: ["tab"],
    hint: "views",
    help: "next view of the run",
    group: "moving",
    isInFooter: true,
    act: (model) => look(model, nextView(model, 1)),
  },
  {
    keys: ["p"],
    hint: "pause",
    help: "pause before the next step",
    group: "here",
    isInFooter: true,
    blocked: (model) =>
      model.run?.state.requested == null ? liveOnly(model) : `${model.run.state.requested.kind} was asked for already`,
    act: (model) => step(model, { toast: "Asked for a pause before the next step." }, { do: "pause" }),
  },
  {
    keys: ["x"],
    hint: "abort…",
    help: "end the run (asks first)",
    group: "here",
    isInFooter: true,
    blocked: liveOnly,
    act: (model) => step(model, { overlay: { kind: "abort" } }),
  },
  {
    keys: ["l"],
    hint: "log",
    help: "the run's log",
    group: "here",
    isInFooter: true,
    act: (model) => {
      const log = model.run?.state.log ?? [];
      const lines = log.map((l) => `${l.at.slice(11, 19)} ${l.level === "warn" ? "WARN " : ""}${l.text}`);
      return step(model, {
        overlay: {
          kind: "why",
          lines: lines.length === 0 ? ["The log is empty."] : lines,
          top: Math.max(0, lines.length - 12),
        },
      });
    },
  },
];

function look(model: Model, screen: ScreenName): ReturnType<typeof go> {
  if (model.run === null) return step(model, {});
  const rest = model.path.filter((s) => !runViews.includes(s));
  const isFollowing = screen === screenOfRun(model.run) && model.run.state.outcome === null;
  return go({ ...model, path: rest }, screen, { run: { ...model.run, isFollowing } });
}

/** Enter on a run: answer, go on, or look at the next view, whichever is next. */
const enter: Binding = {
  keys: ["enter"],
  hint: "next",
  help: "answer, continue, next view",
  hintNow: ({ run }) => {
    if (run?.isLive === true && run.state.question !== null) return "answer";
    return run !== null && isResumable(run) ? "continue" : "next view";
  },
  group: "here",
  isInFooter: true,
  act: (model) => {
    const { run } = model;
    if (run === null) return step(model, {});
    if (run.state.question !== null && run.isLive) return go(model, "question");
    if (isResumable(run)) return step(model, { toast: "Continuing ..." }, { do: "resume", run: run.id });
    return look(model, nextView(model, 1));
  },
};

function runScreen(name: ScreenName, title: string, phase: Screen["phase"], why: Screen["why"]): Screen {
  return {
    name,
    title,
    phase,
    bindings: [...scrollKeys, enter, ...shared],
    command: (model) => `pgrescue ${name === "record" ? "report" : "attach"} ${model.run?.id ?? ""}`.trim(),
    why,
  };
}

const whyStep: Screen["why"] = (model) => {
  const plan = model.run?.state.steps.find((s) => s.plan.id === model.run?.state.current)?.plan;
  if (plan === undefined) return ["Every step looks at the world before and after it runs; memory is never asked."];
  return [plan.why, ...(plan.trap === undefined ? [] : [`Trap: ${plan.trap}`]), `Undo: ${plan.undo}`];
};

export const execute = runScreen("execute", "3 Execute", "execute", whyStep);
export const verify = runScreen("verify", "4 Verify", "verify", () => [
  "The ladder: bytes, starts, structure, sense, behaviour, comparison. A check that did not run is not a pass.",
  "Row counts are information; they pass only against an exact reference at the same moment.",
]);
export const resume = runScreen("resume", "5 Resume", "resume", () => [
  "The order matters: archiving first, then a fresh base backup; until that ends only the old timeline can be recovered.",
  "The application comes last.",
]);
export const record = runScreen("record", "6 Record", "record", () => [
  "The record is the journal: every intent before its effect, every decision with who made it.",
]);
