import { rule, scrolledRows, type Area } from "./area.ts";
import { bindingsOf, keysLabel } from "./bindings.ts";
import type { Model } from "./model.ts";
import type { Binding } from "./screen.ts";
import { screenOf } from "./screens.ts";
import { cut, left, row, span, type Row } from "./text.ts";

const words: readonly (readonly [string, string])[] = [
  ["target", "the moment where replay stops"],
  ["timeline", "a branch of history; every recovery starts a new one"],
  ["recovery point", "a backup; with its WAL it reaches every later second"],
  ["scratch", "another directory and port; production is not touched"],
];

/** S15: made from the key maps; what does nothing now stays, with its reason. */
export function helpRows(model: Model, top: number, { width, height }: Area): readonly Row[] {
  const here = { ...model, overlay: null };
  const bindings = bindingsOf(here);
  const half = Math.floor(width / 2);
  const group = (name: Binding["group"]): readonly string[] =>
    bindings.filter((b) => b.group === name).map((b) => ` ${left(keysLabel(b), 9)} ${b.help}`);
  const leftSide = ["HERE", ...group("here"), "", "MOVING", ...group("moving")];
  const rightSide = ["ALWAYS", ...group("always"), ` ${left("Ctrl-C", 9)} explains; twice leaves`];
  const lines = Array.from({ length: Math.max(leftSide.length, rightSide.length) }, (_, i) =>
    row(column(leftSide[i] ?? "", half - 2), " ", column(rightSide[i] ?? "", width - half)),
  );
  const blocked = bindings.flatMap((b) => {
    const reason = b.blocked?.(here) ?? null;
    return reason === null ? [] : [row(` ${left(keysLabel(b), 9)} ${cut(`${b.hint}: ${reason}`, width - 13)}`)];
  });
  return scrolledRows(
    [
      row(span(` Help for: ${screenOf(model).title}`, "strong")),
      ...lines,
      ...(blocked.length === 0 ? [] : [[], row(span(" NOW DISABLED, AND WHY", "strong")), ...blocked]),
      [],
      row(span(" WORDS", "strong")),
      ...words.map(([word, means]) => row(` ${left(word, 15)} ${cut(means, width - 18)}`)),
      rule(width),
      row(span(" Any key closes. Offline: pgrescue --help", "dim")),
    ],
    top,
    height,
  );
}

function column(text: string, width: number): ReturnType<typeof span> {
  return span(
    left(text, width),
    text !== "" && text === text.toUpperCase() && !text.startsWith(" ") ? "strong" : "plain",
  );
}
