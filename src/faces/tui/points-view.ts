import { pending, pointer, windowed, type View } from "./area.ts";
import { formatBytes } from "../../domain/quantity.ts";
import { dateTime } from "../moments.ts";
import type { PointView, SurveyView } from "../console-views.ts";
import { isInside, pointsOf, scrubbed, shownSpan } from "./points-state.ts";
import { strip } from "./strip.ts";
import { valueOf } from "./loadable.ts";
import type { Model } from "./model.ts";
import { cut, left, right, row, span, wrap, type Row } from "./text.ts";

const signs = { base: "B", incremental: "b", dump: "d", files: "f" } as const;

/** S4: the reachable window as a strip of time, and every point. */
export const pointsView: View = (model, { width, height }) => {
  const survey = valueOf(model.points.survey);
  if (survey === null) return pending(model.points.survey, "reading the repositories", width);
  const head = [...stripRows(survey, model, width), []];
  const tail = chosenRows(survey, model, width);
  const list = pointsOf(model);
  const room = Math.max(1, height - head.length - tail.length - 3);
  const { shown, first, below } = windowed(list, model.cursor, room);
  return [
    ...head,
    row(
      span(
        cut(
          `    KIND  ${left("FINISHED", 16)} ${right("SIZE", 7)}  ${left("CHAIN", 8)} ${left("TESTED", 11)} ${left("PLACE", 12)} STATUS`,
          width,
        ),
        "dim",
      ),
    ),
    ...(list.length === 0 ? [row(span("    none", "warn"))] : []),
    ...shown.map((p, i) => pointRow(p, first + i === model.cursor, model, width)),
    row(span(below > 0 ? `    … ${below} more` : "", "dim")),
    ...tail,
  ];
};

function stripRows(survey: SurveyView, model: Model, width: number): readonly Row[] {
  const shown = shownSpan(survey);
  const place = row(span(" Recovery window  ", "strong"), cut(survey.place, width - 20));
  if (shown === null) return [place, row(span(" nothing can be reached yet", "warn"))];
  const chosen = scrubbed(model.points);
  const line = strip(
    {
      ...shown,
      windows: survey.windows,
      holes: survey.holes,
      marks: survey.points.filter((p) => p.status === "ok").map((p) => ({ at: p.finishedAt, sign: signs[p.kind] })),
      chosen,
    },
    width - 2,
  );
  const from = dateTime(shown.from, model.zone).slice(0, 12);
  const until = dateTime(shown.until, model.zone);
  const gap = Math.max(1, width - 2 - from.length - until.length);
  const holes = survey.holes.slice(0, 2).map((h) => {
    const when =
      h.from === null || h.until === null
        ? `${h.fromSegment} to ${h.toSegment}`
        : `${dateTime(h.from, model.zone).slice(0, 12)} to ${dateTime(h.until, model.zone).slice(0, 12)}`;
    return row(span(` [FAIL] hole on timeline ${h.timeline}: ${when}; nothing inside can be reached`, "bad"));
  });
  return [
    place,
    row(span(` ${from}${" ".repeat(gap)}${until}`, "dim")),
    row(" ", span(line, "good")),
    row(span(" Any second on ━ can be reached. Inside ╳ nothing can.", "dim")),
    ...holes,
  ];
}

function pointRow(p: PointView, isMarked: boolean, model: Model, width: number): Row {
  const kind = { base: "full", incremental: "incr", dump: "dump", files: "files" }[p.kind];
  const text = `${left(kind, 5)} ${left(dateTime(p.finishedAt, model.zone), 16)} ${right(formatBytes(p.bytes), 7)}  ${left(p.chain, 8)} ${left(p.tested, 11)} ${left(p.places.join(","), 12)} `;
  const status = p.reason === undefined ? p.status : `${p.status}: ${p.reason}`;
  return row(
    " ",
    pointer(isMarked),
    span(`  ${text}`, isMarked ? "chosen" : "plain"),
    span(cut(status, Math.max(0, width - 4 - text.length)), p.status === "ok" ? "good" : "warn"),
  );
}

function chosenRows(survey: SurveyView, model: Model, width: number): readonly Row[] {
  const at = scrubbed(model.points);
  const warnings = survey.warnings.slice(0, 2).map((w) => row(span(cut(` [WARN] ${w}`, width), "warn")));
  if (at === null) {
    const last = survey.windows
      .flatMap((w) => (w.until === null ? [] : [w.until]))
      .toSorted((a, b) => (a < b ? 1 : -1))[0];
    const words = last === undefined ? "unknown" : dateTime(last, model.zone);
    return [...warnings, row(` Newest moment: ${words}. ←→ choose another one on the strip.`)];
  }
  const isReachable = isInside(survey, at);
  return [
    ...warnings,
    row(
      span(" Chosen: ", "strong"),
      `${dateTime(at, model.zone)} ${model.zone === "utc" ? "UTC" : "local"}   `,
      isReachable ? span("[ OK ] can be reached", "good") : span("[FAIL] cannot be reached", "bad"),
    ),
  ];
}

/** For wide terminals: everything about the marked point. */
export const pointsDetails: View = (model, { width }) => {
  const point = pointsOf(model)[model.cursor];
  if (point === undefined) return [];
  return [
    row(span(` ${point.id}`, "strong")),
    row(` ${point.kind}, timeline ${point.timeline}, ${point.status}`),
    row(` ${formatBytes(point.bytes)} of data, ${formatBytes(point.storedBytes)} stored`),
    [],
    ...point.details.flatMap((d) => wrap(d, width - 2).map((l) => row(` ${l}`))),
  ];
};
