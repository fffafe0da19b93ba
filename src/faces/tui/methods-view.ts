import { labelled, pending, pointer, type Area, type View } from "./area.ts";
import type { MethodView } from "../console-views.ts";
import { letterOf, methodsOf } from "./methods-state.ts";
import type { Model } from "./model.ts";
import { cut, left, row, span, wrap, type Row } from "./text.ts";

const labelWidth = 17;

/** S6: the methods side by side with their prices, the recommended one first. */
export const methodsView: View = (model, area) => {
  const { answer } = model.target;
  const title = answer?.isReachable === true ? answer.target.title : "";
  const list = methodsOf(model);
  const head = row(
    span(" Choose a method", "strong"),
    span(
      left(`target: ${title}`, Math.max(0, area.width - 20))
        .trimEnd()
        .padStart(area.width - 18),
      "dim",
    ),
  );
  if (list.length === 0) return [head, ...pending(model.methods.list, "pricing the methods", area.width)];
  const reasons = list.flatMap((m, i) => reasonRows(m, i, model, area.width));
  const table = tableRows(list, model, area);
  return [head, ...table.slice(0, Math.max(3, area.height - reasons.length - 2)), [], ...reasons];
};

function tableRows(list: readonly MethodView[], model: Model, area: Area): readonly Row[] {
  const columns = Math.max(1, Math.min(list.length, 4));
  const first = Math.max(0, Math.min(model.cursor - columns + 1, list.length - columns));
  const shown = list.slice(first, first + columns);
  const room = Math.floor((area.width - labelWidth - 2) / columns);
  const labels = shown[0]?.prices.map((p) => p.label) ?? [];
  const tone = (i: number): "chosen" | "plain" => (first + i === model.cursor ? "chosen" : "plain");
  const title = row(
    " ".repeat(labelWidth),
    ...shown.map((m, i) =>
      span(left(`${first + i === model.cursor ? "❯" : " "}${letterOf(first + i)} ${m.title}`, room), tone(i)),
    ),
  );
  const prices = labels.flatMap((label) => {
    const values = shown.map((m) => wrap(m.prices.find((p) => p.label === label)?.value || "-", room - 2));
    const lines = Math.max(...values.map((v) => v.length));
    return Array.from({ length: lines }, (_, n) =>
      row(
        span(left(n === 0 ? `   ${label}` : "", labelWidth), "dim"),
        ...values.map((v, i) => span(left(` ${v[n] ?? ""}`, room), tone(i))),
      ),
    );
  });
  return [title, ...prices];
}

function reasonRows(m: MethodView, index: number, model: Model, width: number): readonly Row[] {
  const isMarked = index === model.cursor;
  const words =
    m.refusal === null
      ? `${m.isRecommended ? "recommended: " : ""}${m.reason}`
      : `not possible: ${m.refusal.reason}. ${m.refusal.next}`;
  return (isMarked ? wrap(words, width - 8).slice(0, 3) : [cut(words, width - 8)]).map((text, i) =>
    row(
      " ",
      i === 0 ? pointer(isMarked) : span(" "),
      span(
        ` ${i === 0 ? letterOf(index) : " "}  ${text}`,
        m.refusal === null ? (isMarked ? "chosen" : "plain") : "dim",
      ),
    ),
  );
}

/** For wide terminals: everything said about the marked method. */
export const methodsDetails: View = (model, { width }) => {
  const method = methodsOf(model)[model.cursor];
  if (method === undefined) return [];
  return [
    row(span(` ${method.title}`, "strong")),
    ...wrap(method.reason, width - 2).map((l) => row(` ${l}`)),
    [],
    ...method.prices.flatMap((p) => labelled(p.label, p.value || "-", width, "plain", 18)),
  ];
};
