import { pending, pointer, windowed, type View } from "./area.ts";
import { clustersOf } from "./fleet-state.ts";
import { findingMark } from "../marks.ts";
import { whenSeen } from "../moments.ts";
import type { ClusterView } from "../console-views.ts";
import type { Model } from "./model.ts";
import { left, row, span } from "./text.ts";
import { marked } from "./theme.ts";

/** S1 for several clusters: one line each, the worst first; below, the schedule of the marked one. */
export const fleetView: View = (model, { width, height }) => {
  const clusters = clustersOf(model);
  if (model.home.status !== "ready")
    return pending(model.home, "looking at clusters, repositories and runs (read-only)", width);
  const marked_ = clusters[model.cursor];
  const plan = marked_?.schedule.slice(0, 4) ?? [];
  const { shown, first, below } = windowed(clusters, model.cursor, height - plan.length - 6);
  return [
    row(span(`          ${left("CLUSTER", 18)} ${left("NEWEST MOMENT", 14)} STATE`, "dim")),
    ...shown.map((c, i) => {
      const isMarked = first + i === model.cursor;
      return row(
        " ",
        pointer(isMarked),
        " ",
        marked(findingMark(c.result)),
        span(` ${left(c.name, 18)} `, isMarked ? "chosen" : "plain"),
        left(newest(c, model), 15),
        left(c.summary, Math.max(0, width - 45)).trimEnd(),
      );
    }),
    row(span(below > 0 ? `   … ${below} more` : "", "dim")),
    ...(plan.length === 0 ? [] : [row(span(` SCHEDULE of ${marked_?.name ?? ""}`, "strong"))]),
    ...plan.map((entry) =>
      row(
        "   ",
        marked(findingMark(entry.lastResult)),
        ` ${left(entry.what, 24)} last ${left(entry.lastAt === null ? "never" : whenSeen(entry.lastAt, model.now, model.zone), 12)} next ${entry.nextAt === null ? "not planned" : whenSeen(entry.nextAt, model.now, model.zone)}`,
      ),
    ),
    [],
    row(span(" Nothing on this screen changes anything. The worst cluster comes first.", "dim")),
  ];
};

function newest(cluster: ClusterView, model: Model): string {
  const ends = cluster.windows.flatMap((w) => (w.until === null ? [] : [w.until]));
  const last = ends.toSorted((a, b) => (a < b ? 1 : -1))[0];
  return last === undefined ? "none" : whenSeen(last, model.now, model.zone);
}
