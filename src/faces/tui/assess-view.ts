import { labelled, pointer, rule, windowed, type View } from "./area.ts";
import { neverDo } from "./assess-state.ts";
import { findingMark } from "../marks.ts";
import type { Model } from "./model.ts";
import { cut, row, span, together, wrap, type Row } from "./text.ts";
import { marked } from "./theme.ts";

/** S2: checks as they answer; what it most likely is and what must not be done stay in sight. */
export const assessView: View = (model, { width, height }) => {
  const bottom = [rule(width), ...conclusionRows(model, width)];
  const top = row(" Reading the scene (read-only).", span(progressOf(model).padStart(Math.max(0, width - 33)), "dim"));
  const room = Math.max(1, height - bottom.length - 1);
  const { answers, isOver, asking } = model.assess;
  const waiting = isOver ? [] : [row("   ", marked("[....]"), span(` ${asking || "asking"}`, "dim"))];
  const { shown, first, below } = windowed(answers, model.cursor, room - waiting.length);
  const lines = shown.map(({ verdict }, i) =>
    row(
      " ",
      pointer(first + i === model.cursor),
      " ",
      marked(findingMark(verdict.result)),
      cut(` ${verdict.title}: ${verdict.evidence}`, width - 10),
    ),
  );
  const more = below > 0 ? [row(span(`   … ${below} more`, "dim"))] : waiting;
  return [top, ...fill([...lines, ...more].slice(0, room), room), ...bottom];
};

function conclusionRows(model: Model, width: number): readonly Row[] {
  const { conclusion } = model.assess;
  const doNot = conclusion?.doNot ?? neverDo;
  return [
    ...(conclusion === null
      ? [row(span(" Most likely", "strong"), span(" not known yet", "dim"))]
      : [
          ...labelled("Most likely", `${conclusion.likely}   confidence ${conclusion.confidence}`, width, "strong"),
          ...(conclusion.notNeeded === undefined ? [] : labelled("Not needed", conclusion.notNeeded, width)),
        ]),
    ...labelled("DO NOT", doNot.map(together).join(" · "), width, "bad"),
    ...labelled("Next", conclusion?.next ?? "wait for the checks; nothing is changed by them", width),
  ];
}

function progressOf(model: Model): string {
  const { answers, total, isOver } = model.assess;
  if (isOver) return `${answers.length} checks`;
  return total === null ? `${answers.length} checks` : `${answers.length} of ${total} checks`;
}

function fill(rows: readonly Row[], height: number): readonly Row[] {
  return [...rows, ...Array.from({ length: Math.max(0, height - rows.length) }, () => [])];
}

/** For wide terminals: what the marked check saw. */
export const assessDetails: View = (model, { width }) => {
  const answer = model.assess.answers[model.cursor];
  if (answer === undefined) return [];
  const { verdict, raw } = answer;
  return [
    row(span(" ", "plain"), marked(findingMark(verdict.result)), span(` ${verdict.title}`, "strong")),
    ...wrap(verdict.evidence, width - 2).map((l) => row(` ${l}`)),
    ...(verdict.mend === undefined ? [] : [[], ...wrap(verdict.mend, width - 2).map((l) => row(` ${l}`))]),
    [],
    ...raw.map((l) => row(span(` ${l}`, "dim"))),
  ];
};
