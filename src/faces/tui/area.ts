import type { Model } from "./model.ts";
import { row, span, wrap, type Row } from "./text.ts";
import type { Loadable } from "./loadable.ts";

/** Room for a view: columns and lines. */
export interface Area {
  readonly width: number;
  readonly height: number;
}

/** A screen's picture: at most `height` lines; more are cut off. Pure. */
export type View = (model: Model, area: Area) => readonly Row[];

/** A line across. */
export function rule(width: number): Row {
  return row(span("─".repeat(width), "dim"));
}

/** Text behind a label, broken into lines below each other: ` DO NOT   delete files ...`. */
export function labelled(
  label: string,
  text: string,
  width: number,
  tone: "plain" | "strong" | "bad" | "warn" = "plain",
  indent = 12,
): readonly Row[] {
  return wrap(text, Math.max(10, width - indent - 2)).map((part, i) =>
    row(span(` ${i === 0 ? label : ""}`.padEnd(indent), "strong"), span(" "), span(part, tone)),
  );
}

/** What is shown instead of a list that is not there yet. */
export function pending(loadable: Loadable<unknown>, doing: string, width: number): readonly Row[] {
  if (loadable.status === "failed")
    return [
      ...labelled("[FAIL]", loadable.failure.message, width, "bad"),
      ...labelled("For data", loadable.failure.means, width),
      ...labelled("Next", loadable.failure.next, width),
      ...labelled("More", `pgrescue explain ${loadable.failure.code}`, width),
    ];
  return [row(span(` [....] ${doing}`, "dim"))];
}

/** The part of a list that is shown so that line `cursor` is visible, with how many are above and below. */
export function windowed<T>(
  items: readonly T[],
  cursor: number,
  height: number,
): { readonly shown: readonly T[]; readonly first: number; readonly below: number } {
  const room = Math.max(1, height);
  const first = Math.max(0, Math.min(cursor - Math.floor(room / 2), items.length - room));
  const shown = items.slice(first, first + room);
  return { shown, first, below: Math.max(0, items.length - first - shown.length) };
}

/** Lines scrolled by `top`, never past their end; the last one says how many are missing. */
export function scrolledRows(rows: readonly Row[], top: number, height: number): readonly Row[] {
  if (rows.length <= height) return rows;
  const first = Math.min(top, rows.length - height + 1);
  const rest = rows.length - first - (height - 1);
  if (rest <= 0) return rows.slice(-height);
  return [...rows.slice(first, first + height - 1), row(span(` … ${rest} more`, "dim"))];
}

/** `❯` before the marked line, a blank before the others. */
export function pointer(isMarked: boolean): ReturnType<typeof span> {
  return isMarked ? span("❯", "accent") : span(" ");
}
