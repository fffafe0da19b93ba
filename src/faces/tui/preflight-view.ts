import { pending, scrolledRows, type View } from "./area.ts";
import type { PreflightView } from "../console-views.ts";
import { findingMark } from "../marks.ts";
import { quoted } from "../story.ts";
import { valueOf } from "./loadable.ts";
import { cut, row, span, wrap, type Row } from "./text.ts";
import { marked } from "./theme.ts";

/** S7: every check, everything that will be written, or (dry run) every step with its commands. */
export const preflightView: View = (model, { width, height }) => {
  const view = valueOf(model.preflight.view);
  if (view === null) return pending(model.preflight.view, "checking everything before anything is written", width);
  const count = (result: string): number => view.verdicts.filter((v) => v.result === result).length;
  const notRun = count("skip") + count("unknown");
  const sums = [
    `${count("pass")} ok`,
    ...(count("warn") > 0 ? [`${count("warn")} warn`] : []),
    ...(count("fail") > 0 ? [`${count("fail")} fail`] : []),
    ...(notRun > 0 ? [`${notRun} not run`] : []),
  ].join("  ");
  const head = row(
    span(model.preflight.isDryRun ? " Dry run  " : " Preflight  ", "strong"),
    cut(view.title, Math.max(10, width - sums.length - 16)),
    span(`  ${sums}`, "dim"),
  );
  const body = model.preflight.isDryRun ? planRows(view, width) : checkRows(view, width);
  const foot = row(
    view.changesProduction
      ? span(" Production changes: at its own step, after its name was typed.", "bad")
      : span(" Safe: production is not touched. Scratch only.", "good"),
  );
  return [head, ...scrolledRows(body, model.scroll, height - 2), foot];
};

function checkRows(view: PreflightView, width: number): readonly Row[] {
  const refusal =
    view.refusal === null
      ? []
      : [
          row(" ", marked("[FAIL]"), span(cut(` ${view.refusal.reason}`, width - 8), "bad")),
          ...wrap(view.refusal.next, width - 10).map((l) => row(`        ${l}`)),
        ];
  return [
    ...refusal,
    ...view.verdicts.flatMap((v) => [
      row("  ", marked(findingMark(v.result)), cut(` ${v.title}: ${v.evidence}`, width - 10)),
      ...(v.mend === undefined || v.result === "pass"
        ? []
        : wrap(v.mend, width - 12).map((l) => row(span(`         ${l}`, "dim")))),
    ]),
    [],
    ...view.files.flatMap((file) => [
      row(span(` Will be written: ${file.name}`, "strong")),
      ...file.lines.map((l) => row(cut(`   ${l}`, width))),
    ]),
  ];
}

function planRows(view: PreflightView, width: number): readonly Row[] {
  return view.steps.flatMap((s, i) => [
    row(
      span(` ${String(i + 1).padStart(2)} ${s.title}`, "strong"),
      span(
        s.risk === "read" || s.risk === "scratch" ? `   ${s.risk}` : `   ${s.risk.toUpperCase()}`,
        s.risk === "read" || s.risk === "scratch" ? "dim" : "bad",
      ),
    ),
    ...s.describe.split("\n").flatMap((d) => wrap(d, width - 6).map((l) => row(`    ${l}`))),
    ...s.commands.flatMap((c) =>
      wrap(`$ ${c.map(quoted).join(" ")}`, width - 6).map((l) => row(span(`    ${l}`, "accent"))),
    ),
    ...wrap(`undo: ${s.undo}`, width - 6).map((l) => row(span(`    ${l}`, "dim"))),
  ]);
}
