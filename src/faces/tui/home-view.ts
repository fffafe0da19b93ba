import { labelled, pending, pointer, windowed, type View } from "./area.ts";
import { clusterOf } from "./fleet-state.ts";
import { homeItems } from "./home-state.ts";
import { findingMark } from "../marks.ts";
import { dateTime, whenSeen } from "../moments.ts";
import type { ClusterView, ScheduleView } from "../console-views.ts";
import type { Model } from "./model.ts";
import { strip } from "./strip.ts";
import { left, row, span, type Row } from "./text.ts";
import { marked } from "./theme.ts";

/** S1: how the cluster is, how far back one can go, and what is needed. */
export const homeView: View = (model, { width, height }) => {
  const cluster = clusterOf(model);
  const safe = row(span(" Nothing on this screen changes anything; 1 and 2 start read-only checks.", "dim"));
  if (cluster === null) {
    const nobody =
      model.home.status === "ready"
        ? labelled("No cluster", "is configured. Run `pgrescue init`, or start with --repository URL.", width)
        : pending(model.home, "looking at clusters, repositories and runs (read-only)", width);
    return [...nobody, [], row(span(" What do you need?", "strong")), ...skeleton, [], safe];
  }
  // Small terminals keep the first facts and a part of the menu in sight.
  const most = Math.max(3, height - 7);
  const menu = windowed(menuRows(model, width), model.cursor, most).shown;
  const tail = [row(span(" What do you need?", "strong")), ...menu, [], safe];
  const head = [...factRows(cluster, width), [], ...windowRows(cluster, model, width)];
  const room = height - head.length - tail.length - 1;
  const plan = scheduleRows(cluster.schedule, model, width).slice(0, Math.max(0, room));
  const above = [...head, ...plan].slice(0, Math.max(0, height - tail.length - 1));
  const blanks: readonly Row[] = above.length + tail.length < height ? [[]] : [];
  return [...above, ...blanks, ...tail];
};

const skeleton: readonly Row[] = ["1  ...", "2  ...", "3  ..."].map((t) => row(span(`   ${t}`, "dim")));

function factRows(cluster: ClusterView, width: number): readonly Row[] {
  return cluster.facts.map((fact) =>
    row(
      span(` ${left(fact.label, 8)} `, "strong"),
      ...(fact.result === null ? [] : [marked(findingMark(fact.result)), span(" ")]),
      left(fact.text, Math.max(10, width - (fact.result === null ? 10 : 17))).trimEnd(),
    ),
  );
}

function windowRows(cluster: ClusterView, model: Model, width: number): readonly Row[] {
  if (cluster.windows.length === 0)
    return [row(span(" You can recover to   ", "strong"), span("nothing: no backup is usable", "bad"))];
  const many = new Set(cluster.windows.map((w) => w.repository)).size > 1;
  const places = [...new Set(cluster.windows.map((w) => w.repository))].slice(0, 3);
  return places.flatMap((place, i) => {
    const windows = cluster.windows.filter((w) => w.repository === place);
    const from = windows.map((w) => w.from).toSorted((a, b) => (a < b ? -1 : 1))[0] ?? model.now;
    const ends = windows.flatMap((w) => (w.until === null ? [] : [w.until]));
    const until = ends.toSorted((a, b) => (a < b ? 1 : -1))[0] ?? null;
    const oldest = dateTime(from, model.zone).slice(0, 12);
    const newest = until === null ? "unknown" : whenSeen(until, model.now, model.zone);
    const label = i === 0 ? " You can recover to   " : " ".repeat(22);
    const name = many ? `${place} ` : "";
    const room = width - label.length - oldest.length - newest.length - name.length - 3;
    const line = strip(
      { from, until: until ?? model.now, windows, holes: cluster.holes, marks: [], chosen: null },
      Math.max(8, room),
    );
    return [row(span(label, "strong"), `${name}${oldest} `, span(line, "good"), ` ${newest}`)];
  });
}

function scheduleRows(schedule: readonly ScheduleView[], model: Model, width: number): readonly Row[] {
  return schedule.map((entry, i) => {
    const last = entry.lastAt === null ? "never" : whenSeen(entry.lastAt, model.now, model.zone);
    const next = entry.nextAt === null ? "not planned" : whenSeen(entry.nextAt, model.now, model.zone);
    return row(
      span(i === 0 ? " SCHEDULE " : " ".repeat(10), "strong"),
      marked(findingMark(entry.lastResult)),
      left(` ${left(entry.what, 22)} last ${left(last, 12)} next ${next}`, width - 17).trimEnd(),
    );
  });
}

function menuRows(model: Model, width: number): readonly Row[] {
  return homeItems(model).map((item, i) => {
    const isMarked = i === model.cursor;
    return row(
      " ",
      pointer(isMarked),
      span(` ${i + 1}  ${left(item.title, 33)}`, isMarked ? "chosen" : "plain"),
      span(left(item.note, Math.max(0, width - 41)).trimEnd(), "dim"),
    );
  });
}
