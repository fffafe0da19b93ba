import { scrolledRows, labelled, rule, windowed, type Area } from "./area.ts";
import { paletteItems, paletteLine } from "./overlay-state.ts";
import type { Model, Overlay } from "./model.ts";
import { cut, row, span, wrap, type Row } from "./text.ts";

/** The lines that an overlay puts over the lower part of the screen. Help covers everything and is drawn elsewhere. */
export function overlayRows(
  model: Model,
  overlay: Exclude<Overlay, { kind: "help" }>,
  { width, height }: Area,
): readonly Row[] {
  const room = Math.max(3, Math.min(height - 4, 14));
  switch (overlay.kind) {
    case "why": {
      const lines = overlay.lines.flatMap((l) => wrap(l, width - 4)).map((l) => row(`  ${l}`));
      return [rule(width), ...scrolledRows(lines, overlay.top, room - 2), hint("↑↓ scroll  any other key closes")];
    }
    case "palette": {
      const items = paletteItems(model, overlay.text);
      const { shown, first } = windowed(items, overlay.cursor, room - 3);
      return [
        rule(width),
        row(span(" : ", "accent"), cut(overlay.text, width - 6), span("▏", "accent")),
        ...shown.map((b, i) => {
          const isMarked = first + i === overlay.cursor;
          return row(
            span(isMarked ? " ❯ " : "   ", "accent"),
            span(cut(paletteLine(b, model), width - 4), isMarked ? "chosen" : "plain"),
          );
        }),
        hint("type to narrow  ↑↓ move  Enter does it  Esc closes"),
      ];
    }
    case "filter":
      return [
        rule(width),
        row(span(" / ", "accent"), cut(model.filter, width - 6), span("▏", "accent")),
        hint("Enter keeps it  Esc clears it"),
      ];
    case "note":
      return [
        rule(width),
        row(
          span(" Note into the record: ", "strong"),
          cut(overlay.text.slice(-(width - 28)), width - 26),
          span("▏", "accent"),
        ),
        hint("Enter writes it  Esc drops it"),
      ];
    case "abort":
      return [
        rule(width),
        row(span(" End this run?", "bad")),
        ...labelled(
          "Stays",
          "everything that was made, the journal, and the old data directory. Nothing is removed.",
          width,
        ),
        ...labelled("Instead", "p pauses before the next step; q only closes this window.", width),
        hint("y ends the run  any other key goes back"),
      ];
    case "interrupt":
      return [
        rule(width),
        row(span(" Ctrl-C does not stop the work.", "strong")),
        ...interruptRows(model, width),
        hint("Ctrl-C again leaves  any other key goes back"),
      ];
    case "failure":
      return [
        rule(width),
        row(span(` [FAIL] ${overlay.doing} failed`, "bad")),
        ...labelled("What", overlay.failure.message, width, "strong"),
        ...labelled("For data", overlay.failure.means, width),
        ...labelled("Next", overlay.failure.next, width),
        ...labelled("More", `pgrescue explain ${overlay.failure.code}`, width),
        hint("any key closes"),
      ];
    default:
      return [];
  }
}

function interruptRows(model: Model, width: number): readonly Row[] {
  const { run } = model;
  if (run === null || run.isOver || !run.isLive)
    return labelled("Now", "nothing runs; leaving changes nothing.", width);
  return [
    ...labelled("Again", `leaves this window; ${run.id} goes on: pgrescue attach ${run.id}`, width),
    ...labelled("p", "pauses before the next step", width),
    ...labelled("x", "ends the run (asks)", width),
  ];
}

function hint(text: string): Row {
  return row(span(` ${text}`, "dim"));
}
