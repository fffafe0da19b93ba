import type { Question } from "../../domain/question.ts";
import { answerLine } from "../command-lines.ts";
import { labelled, pointer, type Area, type View } from "./area.ts";
import type { Model } from "./model.ts";
import { answerRefusal, openQuestion } from "./question-state.ts";
import { cells, cut, left, row, span, wrap, type Row, type Tone } from "./text.ts";

/** S8 for a typed confirmation, a plain list or field for anything else. */
export const questionView: View = (model, area) => {
  const question = openQuestion(model);
  if (question === null) return [row(span(" Nothing is being asked any more. Esc goes back.", "dim"))];
  return question.kind === "typed" ? dangerRows(question, model, area) : plainRows(question, model, area.width);
};

/** Rows of the box and below it that are always there. */
const frameHeight = 6;
/** What gives way where the screen is too small for everything, in this order. */
const shortened = ["Why", "Careful", "Command"];

function dangerRows(question: Question, model: Model, { width, height }: Area): readonly Row[] {
  const inner = width - 4;
  const { run } = model;
  const index = run?.state.steps.findIndex((s) => s.plan.id === run.state.question?.step) ?? -1;
  const place = index === -1 ? "" : ` step ${index + 1}/${run?.state.steps.length ?? 0} `;
  const head = "═ DANGER · changes PRODUCTION ";
  const fill = "═".repeat(Math.max(0, width - 3 - cells(head) - cells(place)));
  const title = question.about.some((a) => a.label === "What") ? "Step" : "What";
  const entries = [{ label: title, value: question.title }, ...question.about].map((a) => ({
    label: a.label,
    lines: wrap(a.value, inner - 10),
  }));
  const about = fitting(entries, height - frameHeight).flatMap((a) =>
    a.lines.map((text, i) => `${left(i === 0 ? a.label : "", 9)} ${text}`),
  );
  const { text } = model.question;
  const box = (content: string, tone: Tone = "plain"): Row =>
    row(span("║ ", "bad"), span(left(content, inner), tone), span(" ║", "bad"));
  return [
    row(span(`╔${head}${fill}${place}═╗`, "bad")),
    ...about.map((a) => box(a)),
    row(span(`╟${"─".repeat(width - 2)}╢`, "bad")),
    box(`Type this exactly to continue:   ${question.expected ?? ""}`, "strong"),
    box(`> ${text}▏`, text === question.expected ? "good" : "plain"),
    row(span(`╚${"═".repeat(width - 2)}╝`, "bad")),
    stateRow(model),
    row(" Not sure? Esc goes back and changes nothing: the step has not begun."),
    ...scripted(question, model, width),
  ];
}

interface Entry {
  readonly label: string;
  readonly lines: readonly string[];
}

/** The entries in at most `room` rows: what only explains is cut before what says where, what and how back. */
function fitting(entries: readonly Entry[], room: number): readonly Entry[] {
  let over = entries.reduce((sum, e) => sum + e.lines.length, 0) - room;
  let kept = entries;
  for (const label of shortened) {
    kept = kept.map((e) => {
      if (e.label !== label || over <= 0) return e;
      const lines = e.lines.slice(0, Math.max(0, e.lines.length - over));
      over -= e.lines.length - lines.length;
      return { ...e, lines: lines.map((text, i) => (i === lines.length - 1 ? `${text} …` : text)) };
    });
  }
  return kept;
}

function plainRows(question: Question, model: Model, width: number): readonly Row[] {
  return [
    ...wrap(question.title, width - 2).map((l) => row(span(` ${l}`, "strong"))),
    ...question.about.flatMap((a) => labelled(a.label, a.value, width)),
    [],
    ...(question.kind === "choice"
      ? (question.choices ?? []).map((c, i) =>
          row(
            " ",
            pointer(i === model.cursor),
            span(` ${i + 1}  ${cut(c.title, width - 8)}`, i === model.cursor ? "chosen" : "plain"),
          ),
        )
      : [row(span(" > ", "accent"), cut(model.question.text, width - 6), span("▏", "accent"))]),
    [],
    stateRow(model),
    ...scripted(question, model, width),
  ];
}

/** What Enter would do now, in words. */
function stateRow(model: Model): Row {
  if (model.question.isSent) return row(span(" [....] the answer was sent; the runner takes it", "dim"));
  const refusal = answerRefusal(model);
  return refusal === null ? row(span(" [ OK ] Enter answers", "good")) : row(span(` [    ] ${refusal}`, "dim"));
}

function scripted(question: Question, model: Model, width: number): readonly Row[] {
  const command = answerLine(model.run?.id ?? "", question);
  return command === null ? [] : labelled("Scripted", command, width);
}
