import { parseInstant } from "../../domain/instant.ts";
import { resultWord } from "../ending.ts";
import { elapsed, span as timeSpan } from "../moments.ts";
import { rule, scrolledRows, type View } from "./area.ts";
import { phaseSeconds, recordLines, recordTime } from "./record-rows.ts";
import type { RunSlice } from "./model.ts";
import { cut, left, row, span, type Row } from "./text.ts";

/** S13: where the time went, and who did what when. */
export const recordView: View = (model, { width, height }) => {
  const { run } = model;
  if (run === null) return [row(span(" No run.", "dim"))];
  const lines = recordLines(run.state).filter((l) => `${l.who} ${l.kind} ${l.what}`.includes(model.filter));
  const body = lines.map((l) =>
    row(
      ` ${recordTime(l, model.zone)} `,
      left(l.who, 9),
      " ",
      span(left(l.kind, 9), l.kind === "decision" || l.kind === "note" ? "strong" : "dim"),
      cut(` ${l.what}`, width - 31),
    ),
  );
  const head = [
    summaryRow(run),
    ...phaseRow(run, width),
    row(span(` ${left(`TIME ${model.zone === "utc" ? "UTC" : "here"}`, 9)}WHO       KIND      WHAT`, "dim")),
  ];
  const bottom = [
    rule(width),
    row(span(` ${lines.length} lines. The whole record as Markdown:  pgrescue report ${run.id}`, "dim")),
  ];
  return [...head, ...scrolledRows(body, model.scroll, Math.max(1, height - head.length - bottom.length)), ...bottom];
};

function summaryRow(run: RunSlice): Row {
  const { state } = run;
  const from = state.header === null ? null : parseInstant(state.header.openedAt);
  const until = state.endedAt === null ? null : parseInstant(state.endedAt);
  const took = from === null || until === null ? "" : `   opened to end ${elapsed(from, until)}`;
  const word = run.isLive && !run.isOver && state.outcome === null ? "running" : resultWord(state.outcome);
  return row(span(` ${word}`, "strong"), `${took}   attempts ${state.attempt}   warnings ${state.warnings}`);
}

/** The phases as a bar, each as wide as its share of the work. */
function phaseRow(run: RunSlice, width: number): readonly Row[] {
  const phases = phaseSeconds(run.state);
  const total = phases.reduce((sum, p) => sum + p.seconds, 0);
  if (total === 0) return [];
  const room = width - 2 - phases.length;
  const parts = phases.map((p) => {
    const name = `${p.phase} ${timeSpan(p.seconds * 1000)}`;
    return left(name, Math.max(name.length > 20 ? 8 : name.length, Math.floor((room * p.seconds) / total) - 4));
  });
  return [row(span(cut(` ▐${parts.join("▌")}▌`, width), "accent"))];
}
