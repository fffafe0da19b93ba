import { parseInstant } from "../../domain/instant.ts";
import { clockTime, sinceOpened, zoneName } from "../moments.ts";
import { rule } from "./area.ts";
import { footerHints, isTyping } from "./bindings.ts";
import { clusterOf } from "./fleet-state.ts";
import { helpRows } from "./help-view.ts";
import type { Model } from "./model.ts";
import { overlayRows } from "./overlay-view.ts";
import { screenOf } from "./screens.ts";
import { cells, cut, cutRow, left, row, span, textOf, type Row } from "./text.ts";
import { views } from "./views.ts";

/** Below this size one line says so; the work goes on. */
const smallest = { columns: 60, rows: 15 };
/** From this width on there is a details pane. */
const wide = 120;

/** The whole screen: at most one line less than the terminal has, because a full one flickers. Pure. */
export function frameRows(model: Model): readonly Row[] {
  const { columns: width, rows } = model;
  const height = rows - 1;
  if (width < smallest.columns || rows < smallest.rows) return [tooSmall(model)];
  const { phase } = screenOf(model);
  const head = [headRow(model, width), ...(phase === null ? [] : [phaseRow(phase)]), rule(width)];
  const foot = [rule(width), footRow(model, width)];
  const area = { width, height: height - head.length - foot.length };
  const body = model.overlay?.kind === "help" ? helpRows(model, model.overlay.top, area) : bodyRows(model, area);
  const over = model.overlay === null || model.overlay.kind === "help" ? [] : overlayRows(model, model.overlay, area);
  const kept = filled(body, area.height).slice(0, Math.max(0, area.height - over.length));
  return [...head, ...kept, ...over.slice(0, area.height), ...foot].map((r) => cutRow(r, width));
}

function bodyRows(model: Model, area: { readonly width: number; readonly height: number }): readonly Row[] {
  const { main, details } = views[model.path.at(-1) ?? "home"];
  if (details === undefined || area.width < wide) return main(model, area).slice(0, area.height);
  const first = Math.max(80, Math.floor(area.width * 0.6));
  const second = { width: area.width - first - 1, height: area.height };
  const mine = main(model, { width: first, height: area.height });
  const side = details(model, second);
  return Array.from({ length: area.height }, (_, i) => {
    const line = cutRow(mine[i] ?? [], first);
    const gap = " ".repeat(Math.max(0, first - cells(textOf(line))));
    return row(...line, gap, span("│", "dim"), ...cutRow(side[i] ?? [], second.width));
  });
}

function headRow(model: Model, width: number): Row {
  const { run, now, zone } = model;
  const onRun = screenOf(model).phase !== null && run !== null;
  const opened = run?.state.header?.openedAt;
  const from = opened === undefined ? null : parseInstant(opened);
  const ended = run?.state.endedAt == null ? null : parseInstant(run.state.endedAt);
  const middle = onRun ? `   ${run.id}   ${from === null ? "" : sinceOpened(from, ended ?? now)}` : "";
  const clock = `${zoneName(now, zone)} ${clockTime(now, zone)}`;
  const isRecording = run !== null && run.isLive && !run.isOver;
  const end = onRun ? `${clock}   ${isRecording ? "REC ●" : "REC ■"} ` : `${clock} `;
  const cluster = clusterOf(model)?.confirm ?? run?.state.header?.cluster ?? model.cluster ?? "";
  const name = left(`   ${cluster}${middle}`, width - 9 - cells(end));
  return row(span(" pgrescue", "strong"), name, onRun && isRecording ? span(end, "accent") : end);
}

const phases = ["assess", "choose", "execute", "verify", "resume", "record"] as const;

/** `1 Assess──[2 Choose]──3 Execute──4 Verify──5 Resume──6 Record` */
function phaseRow(lit: (typeof phases)[number]): Row {
  return row(
    " ",
    ...phases.flatMap((phase, i) => {
      const name = `${i + 1} ${phase[0]?.toUpperCase() ?? ""}${phase.slice(1)}`;
      const part = phase === lit ? span(`[${name}]`, "accent") : span(name, "dim");
      return i === 0 ? [part] : [span("──", "dim"), part];
    }),
  );
}

function footRow(model: Model, width: number): Row {
  if (model.toast !== null) return row(span(` ${cut(model.toast, width - 2)}`, "accent"));
  const typing = model.overlay === null && isTyping(model) ? "type the text  " : "";
  return row(` ${typing}${footerHints(model, width - 2 - typing.length)}`);
}

function tooSmall(model: Model): Row {
  const need = `pgrescue needs ${smallest.columns}x${smallest.rows}; this is ${model.columns}x${model.rows}.`;
  const work = model.run !== null && model.run.isLive && !model.run.isOver ? " The work goes on." : "";
  return cutRow(row(need + work), model.columns);
}

function filled(rows: readonly Row[], height: number): readonly Row[] {
  return [...rows, ...Array.from({ length: Math.max(0, height - rows.length) }, () => [])];
}
