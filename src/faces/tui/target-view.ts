import { labelled, pointer, type View } from "./area.ts";
import { needsText, targetKinds } from "./target-state.ts";
import { cut, left, row, span, type Row } from "./text.ts";
import type { Model } from "./model.ts";
import { marked } from "./theme.ts";

/** The target: its kind, its text, what was understood, or why it cannot be reached. */
export const targetView: View = (model, { width }) => {
  const { request } = model.target;
  return [
    row(span(" Where shall recovery stop?", "strong"), span("   (read-only: it is looked up in the WAL)", "dim")),
    ...targetKinds.map(({ kind, title, example }) => {
      const isMarked = kind === request.kind;
      return row(
        " ",
        pointer(isMarked),
        span(` ${left(title, 22)}`, isMarked ? "chosen" : "plain"),
        span(cut(example, width - 28), "dim"),
      );
    }),
    [],
    needsText(request.kind)
      ? row(span(" > ", "accent"), cut(request.text, width - 6), span("▏", "accent"))
      : row(span(" > nothing to type: Enter looks it up", "dim")),
    ...(request.point === undefined ? [] : labelled("From", `backup ${request.point}`, width)),
    [],
    ...answerRows(model, width),
  ];
};

function answerRows(model: Model, width: number): readonly Row[] {
  const { answer, isAsking } = model.target;
  if (isAsking) return [row(" ", marked("[....]"), span(" looking it up in the WAL", "dim"))];
  if (answer === null) return [];
  if (!answer.isReachable)
    return [
      row(" ", marked("[FAIL]"), span(" cannot be reached", "bad")),
      ...labelled("Found", answer.refusal.reason, width),
      ...labelled("Next", answer.refusal.next, width),
    ];
  const { target } = answer;
  return [
    row(" ", marked("[ OK ]"), span(` ${target.title}`, "good")),
    ...target.understood.flatMap((text, i) => labelled(i === 0 ? "Understood" : "", text, width)),
    ...labelled("Lost", target.lost, width),
    ...target.warnings.flatMap((text) => labelled("[WARN]", text, width, "warn")),
  ];
}
