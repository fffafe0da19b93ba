import { formatInstant, instant, type Instant } from "../../domain/instant.ts";
import type { PointView, SurveyView } from "../console-views.ts";
import { idle, loading, valueOf, type Loadable } from "./loadable.ts";
import type { Model } from "./model.ts";
import { listKeys, step, type Screen, type Step } from "./screen.ts";
import { openTarget } from "./target-state.ts";

export interface PointsState {
  readonly cluster: string | null;
  readonly survey: Loadable<SurveyView>;
  /** Where the time marker is, in thousandths of the shown span; null: not used. */
  readonly scrub: number | null;
}

export const initialPoints: PointsState = { cluster: null, survey: idle, scrub: null };

/** The points that match the filter, newest first. */
export function pointsOf(model: Model): readonly PointView[] {
  const text = (p: PointView): string => `${p.id} ${p.kind} ${p.status} ${p.places.join(" ")}`;
  return (valueOf(model.points.survey)?.points ?? []).filter((p) => text(p).includes(model.filter)).toReversed();
}

/** From the first point or window to the last moment that is known; null where there is nothing. */
export function shownSpan(survey: SurveyView): { readonly from: Instant; readonly until: Instant } | null {
  const moments = [
    ...survey.points.map((p) => p.finishedAt),
    ...survey.windows.flatMap((w) => (w.until === null ? [w.from] : [w.from, w.until])),
  ].toSorted((a, b) => (a < b ? -1 : 1));
  const from = moments[0];
  const until = moments.at(-1);
  return from === undefined || until === undefined || from === until ? null : { from, until };
}

/** The moment under the marker; null where there is none. */
export function scrubbed(state: PointsState): Instant | null {
  const survey = valueOf(state.survey);
  const span = survey === null ? null : shownSpan(survey);
  if (span === null || state.scrub === null) return null;
  return instant(span.from + ((span.until - span.from) * BigInt(state.scrub)) / 1000n);
}

/** Whether that moment can be reached: it lies in a window and in no hole. */
export function isInside(survey: SurveyView, at: Instant): boolean {
  const isIn = (w: { readonly from: Instant | null; readonly until: Instant | null }): boolean =>
    w.from !== null && w.until !== null && w.from <= at && at <= w.until;
  return survey.windows.some(isIn) && !survey.holes.some(isIn);
}

function scrub(model: Model, by: number): Step {
  const next = Math.max(0, Math.min(1000, (model.points.scrub ?? 1000) + by));
  return step(model, { points: { ...model.points, scrub: next } });
}

export const points: Screen = {
  name: "points",
  title: "2 Choose: recovery points",
  phase: "choose",
  opened: (model) =>
    model.cluster === null || model.points.cluster === model.cluster
      ? step(model, {})
      : step(
          model,
          { points: { cluster: model.cluster, survey: loading, scrub: null } },
          { do: "survey", cluster: model.cluster },
        ),
  bindings: [
    ...listKeys((model) => pointsOf(model).length),
    {
      keys: ["left", "right"],
      hint: "scrub time",
      help: "move the moment",
      group: "moving",
      isInFooter: true,
      act: (model, key) => scrub(model, key === "left" ? -10 : 10),
    },
    {
      keys: ["[", "]"],
      hint: "scrub finely",
      help: "a tenth of that",
      group: "moving",
      isInFooter: false,
      act: (model, key) => scrub(model, key === "[" ? -1 : 1),
    },
    {
      keys: ["enter"],
      hint: "use",
      help: "use moment or backup",
      group: "here",
      isInFooter: true,
      blocked: (model) => (model.points.survey.status === "loading" ? "the repositories are still being read" : null),
      act: (model) => {
        const at = scrubbed(model.points);
        if (at !== null) return openTarget(model, { kind: "time", text: formatInstant(at) });
        const point = model.cursor === 0 ? undefined : pointsOf(model)[model.cursor];
        return openTarget(model, {
          kind: "time",
          text: "",
          ...(point === undefined ? {} : { point: point.id }),
        });
      },
    },
    {
      keys: ["r"],
      hint: "read again",
      help: "read again",
      group: "here",
      isInFooter: false,
      act: (model) =>
        model.cluster === null
          ? step(model, {})
          : step(model, { points: { ...model.points, survey: loading } }, { do: "survey", cluster: model.cluster }),
    },
  ],
  command: (model) => `pgrescue points --cluster ${model.cluster ?? "NAME"}`,
  why: () => [
    "A moment can be reached when a backup ended before it and every WAL segment from the backup to the moment is stored.",
    "Behind a hole only a later backup helps. The window ends with the last commit in the archive.",
  ],
};
