import { besideLadder, ladder, verification } from "../ladder.ts";
import { findingMark } from "../marks.ts";
import { labelled, rule, scrolledRows, type View } from "./area.ts";
import { cut, left, row, span, type Row } from "./text.ts";
import { marked } from "./theme.ts";

/** S11: what was checked, and what was not. */
export const verifyView: View = (model, { width, height }) => {
  const { run } = model;
  if (run === null) return [row(span(" No run.", "dim"))];
  const all = ladder(run.state);
  const reached = all.filter((r) => r.result === "pass").length;
  const head = row(
    span(" Verify", "strong"),
    span("   what was checked, and what was not".padEnd(width - 33), "dim"),
    `ladder: ${reached} of 6 rungs`,
  );
  const rungs = all.flatMap((r): readonly Row[] =>
    r.verdicts.length === 0
      ? [row(`  rung ${r.number} ${left(r.rung, 10)} `, marked("[....]"), span(" no check has answered", "dim"))]
      : r.verdicts.map((v, i) =>
          row(
            i === 0 ? `  rung ${r.number} ${left(r.rung, 10)} ` : " ".repeat(20),
            marked(findingMark(v.result)),
            cut(` ${v.title}: ${v.evidence}`, width - 28),
          ),
        ),
  );
  const verdict = verification(run.state);
  const tone = { pass: "strong", fail: "bad", warn: "warn", skip: "warn", unknown: "warn" } as const;
  const beside = besideLadder(run.state).filter((v) => v.result !== "pass");
  const bottom = [
    rule(width),
    row(span(" Verdict  ", "strong"), span(verdict.words, tone[verdict.result])),
    ...labelled("Why", verdict.why, width, "plain", 9),
    ...(beside.length === 0 ? [] : [row(span(" Watch out", "strong"))]),
    ...beside
      .slice(0, 4)
      .map((v) => row("  ", marked(findingMark(v.result)), cut(` ${v.title}: ${v.evidence}`, width - 10))),
  ];
  return [head, ...scrolledRows(rungs, model.scroll, Math.max(2, height - bottom.length - 1)), ...bottom];
};
