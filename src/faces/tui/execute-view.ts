import { parseInstant } from "../../domain/instant.ts";
import { rates, share, type ProgressState } from "../../domain/run/progress.ts";
import type { StepState } from "../../domain/run/state.ts";
import { statusMark } from "../marks.ts";
import { clockTime, span as timeSpan } from "../moments.ts";
import { amount, percent, quietFor, quietLimits, rate, timeLeft } from "../progress-words.ts";
import { resultWord } from "../ending.ts";
import { labelled, rule, windowed, type View } from "./area.ts";
import type { Model, RunSlice } from "./model.ts";
import { cut, left, right, row, span, wrap, type Row } from "./text.ts";
import { bar, marked, sparkline } from "./theme.ts";

/** S9: the plan, the running step with bytes or LSN, what is left and on what basis, and the log's end. */
export const executeView: View = (model, { width, height }) => {
  const { run } = model;
  if (run === null) return [row(span(" No run.", "dim"))];
  const bottom = [...nowRows(run, model, width), ...logRows(run, model, width), rule(width), footRow(run, width)];
  const room = Math.max(2, height - bottom.length - 1);
  return [...stepRows(run, model, width, room), rule(width), ...bottom];
};

/** The plan's steps around the one that is running (or that `scroll` points at), filling `room` lines. */
export function stepRows(
  run: RunSlice,
  model: Model,
  width: number,
  room: number,
  steps = run.state.steps,
): readonly Row[] {
  if (steps.length === 0) return [row(" ", marked("[....]"), span(" the plan is being made", "dim"))];
  const at = steps.findIndex((s) => s.status === "running" || s.status === "undoing");
  const next = at === -1 ? steps.findIndex((s) => s.status === "waiting" || s.status === "cut-off") : at;
  const centre = Math.max(0, (next === -1 ? steps.length - 1 : next) + model.scroll);
  const { shown, first, below } = windowed(
    steps,
    Math.min(centre, steps.length - 1),
    steps.length > room ? room - 1 : room,
  );
  const rest = steps.slice(first + shown.length);
  const dangers = rest.filter((s) => isDanger(s)).length;
  const more = `  … ${below} more${dangers === 0 ? "" : `, ${dangers} of them change production`}`;
  return [
    ...shown.map((s) => stepRow(s, run.state.steps.indexOf(s), model, width)),
    ...(steps.length > room ? [row(span(below > 0 ? more : "", "dim"))] : []),
  ];
}

function stepRow(s: StepState, index: number, model: Model, width: number): Row {
  const started = s.startedAt === null ? null : parseInstant(s.startedAt);
  const clock = started === null ? "" : clockTime(started, model.zone);
  const took = s.milliseconds === null ? "" : s.status === "already-done" ? "was done" : timeSpan(s.milliseconds);
  const word = s.reason !== null ? `: ${s.reason}` : "";
  const isWarned = s.status === "waiting" && isDanger(s);
  const isNow = s.status === "running" || s.status === "undoing";
  const tone = isNow ? "chosen" : s.status === "waiting" ? "dim" : "plain";
  return row(
    span(isNow ? "❯" : " ", "accent"),
    right(String(index + 1), 2),
    " ",
    marked(statusMark(s.status)),
    " ",
    span(left(s.plan.title + word, width - 30), tone),
    ...(isWarned ? [span(right("you type its name", 19), "bad")] : [span(right(clock, 10), "dim"), right(took, 9)]),
  );
}

function nowRows(run: RunSlice, model: Model, width: number): readonly Row[] {
  const { state } = run;
  if (state.outcome !== null || (run.isOver && state.question === null)) return endRows(run, width);
  if (state.question !== null)
    return [
      row(span(" Waits   ", "strong"), span("for you: ", "warn"), cut(state.question.question.title, width - 22)),
      row(
        span(
          run.isLive ? "         Enter opens the question." : `         pgrescue continue ${run.id} opens it again.`,
          "dim",
        ),
      ),
    ];
  const index = state.steps.findIndex((s) => s.plan.id === state.current);
  const current = state.steps[index];
  if (current === undefined) return [row(" ", marked("[....]"), span(" between two steps", "dim"))];
  const { progress } = state;
  return [
    ...(progress === null
      ? [row(span(` Step ${left(String(index + 1), 3)}`, "strong"), cut(current.describe, width - 12))]
      : progressRows(index + 1, progress, model, width)),
    quietRow(current, progress, model),
    ...(state.requested === null
      ? []
      : [
          row(
            span(
              ` ${state.requested.kind === "pause" ? "Pauses before the next step." : "Stops; nothing that was made is removed."}`,
              "warn",
            ),
          ),
        ]),
  ];
}

function progressRows(number: number, p: ProgressState, model: Model, width: number): readonly Row[] {
  const part = share(p);
  const place = [p.lsn === null ? "" : `LSN ${p.lsn}`, p.time === null ? "" : `at ${p.time.slice(11, 19)}`]
    .filter((t) => t !== "")
    .join("  ");
  const line = part === null ? cut(p.doing, width - 12) : `${bar(part, 30)}  ${percent(p)}   ${amount(p)}`;
  const values = rates(p);
  return [
    row(span(` Step ${left(String(number), 3)}`, "strong"), line),
    row("         ", cut([part === null ? amount(p) : p.doing, place].filter((t) => t !== "").join("   "), width - 10)),
    row(span(" rate    ", "strong"), span(sparkline(values, 30), "accent"), `  ${rate(p) ?? "not measured yet"}`),
    row(span(" Left    ", "strong"), cut(timeLeft(p, model.now, model.zone), width - 10)),
  ];
}

function quietRow(current: StepState, progress: ProgressState | null, model: Model): Row {
  const started = current.startedAt === null ? null : parseInstant(current.startedAt);
  const quiet = quietFor(progress, started, model.now);
  const label = span(" Quiet?  ", "strong");
  if (quiet < quietLimits.warn)
    return row(label, span(`last progress ${timeSpan(quiet)} ago; warns after 30 s, explains after 60 s`, "dim"));
  const waiting = progress?.doing ?? current.plan.title;
  if (quiet < quietLimits.explain) return row(label, span(`[WARN] nothing moved for ${timeSpan(quiet)}`, "warn"));
  return row(label, span(`[WARN] nothing moved for ${timeSpan(quiet)}: waits for ${waiting}`, "warn"));
}

function endRows(run: RunSlice, width: number): readonly Row[] {
  const { outcome } = run.state;
  const head = row(
    span(" Result  ", "strong"),
    span(
      outcome === null ? "cut off: its runner is gone" : resultWord(outcome),
      outcome?.result === "done" ? "good" : "warn",
    ),
  );
  if (outcome === null)
    return [
      head,
      ...labelled("Next", `pgrescue continue ${run.id} (Enter): every step is looked at again`, width, "plain", 8),
    ];
  if (outcome.result === "done") return [head, ...labelled("", outcome.message, width, "plain", 8)];
  return [
    head,
    ...labelled("What", outcome.message, width, "bad", 8),
    ...labelled("Data", outcome.means ?? "", width, "plain", 8),
    ...labelled("Next", outcome.next ?? "", width, "plain", 8),
    ...labelled(
      "More",
      `pgrescue report ${run.id}${outcome.code === undefined ? "" : `, pgrescue explain ${outcome.code}`}`,
      width,
      "plain",
      8,
    ),
  ];
}

function logRows(run: RunSlice, model: Model, width: number): readonly Row[] {
  const last = run.state.log.at(-1);
  if (last === undefined) return [];
  const at = parseInstant(last.at);
  return [
    row(
      span(" log     ", "strong"),
      span(
        cut(`${at === null ? "" : clockTime(at, model.zone)} ${last.text}`, width - 10),
        last.level === "warn" ? "warn" : "dim",
      ),
    ),
  ];
}

function footRow(run: RunSlice, width: number): Row {
  return run.isLive && !run.isOver
    ? row(span(cut(` Goes on without this window; join it again:  pgrescue attach ${run.id}`, width), "dim"))
    : row(span(" Nothing is running.", "dim"));
}

function isDanger(s: StepState): boolean {
  return s.plan.confirm === "type";
}

/** For wide terminals: the running step's words, commands and undo. */
export const executeDetails: View = (model, { width }) => {
  const { run } = model;
  const s = run?.state.steps.find((x) => x.plan.id === run.state.current) ?? run?.state.steps[0];
  if (run === null || s === undefined) return [];
  const commands = run.state.commands.filter((c) => c.step === s.plan.id).slice(-4);
  return [
    row(span(` ${s.plan.title}`, "strong")),
    ...wrap(s.describe, width - 2).map((l) => row(` ${l}`)),
    [],
    ...labelled("why", s.plan.why, width, "plain", 6),
    ...labelled("undo", s.plan.undo, width, "plain", 6),
    [],
    ...commands.flatMap((c) => wrap(`$ ${c.argv.join(" ")}`, width - 2).map((l) => row(span(` ${l}`, "accent")))),
    [],
    ...run.state.log.slice(-10).map((l) => row(span(` ${l.at.slice(11, 19)} ${l.text}`, "dim"))),
  ];
};
