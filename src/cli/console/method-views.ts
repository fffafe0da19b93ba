import type { Estimate } from "../../domain/plan.ts";
import { formatBytes, formatDuration } from "../../domain/quantity.ts";
import { isRefusal, type PlanRefusal } from "../../domain/refusal.ts";
import type { RecoveryPlan } from "../../engine/planning/plan-recovery.ts";
import type { MethodId, MethodView, TargetView } from "../../faces/console-views.ts";
import { testedWords, type TestRecord } from "../tested-words.ts";
import { lostWords } from "./target-answer.ts";

/** A method's answer to one target. */
export interface PlannedMethod {
  readonly id: MethodId;
  readonly plan: RecoveryPlan | PlanRefusal;
}

const reasons: Readonly<Record<MethodId, string>> = {
  "restore-to-scratch": "production stays up; you look at the past beside it and fetch what is missing",
  "rewind-in-place": "only if nothing valuable was committed after the target, or production is gone",
  "base-backup-only": "the backup alone, when its WAL is not needed or not there",
};

/**
 * Every method with its price; the recommended one first, refused ones last. `tests`: what ended well on this host.
 */
export function methodViews(
  planned: readonly PlannedMethod[],
  target: TargetView,
  productionIsUp: boolean,
  tests: TestRecord,
): readonly MethodView[] {
  const wanted: MethodId = productionIsUp ? "restore-to-scratch" : "rewind-in-place";
  const usable = planned.filter(({ plan }) => !isRefusal(plan)).map(({ id }) => id);
  const recommended = usable.includes(wanted) ? wanted : (usable[0] ?? null);
  const views = planned.map(({ id, plan }) =>
    methodView(id, plan, id === recommended, isRefusal(plan) ? [] : pricesOf(id, plan, target, productionIsUp, tests)),
  );
  return views.sort((a, b) => rank(a) - rank(b));
}

function rank(view: MethodView): number {
  return view.isRecommended ? 0 : view.refusal === null ? 1 : 2;
}

function methodView(
  id: MethodId,
  plan: RecoveryPlan | PlanRefusal,
  isRecommended: boolean,
  known: MethodView["prices"],
): MethodView {
  const refusal = isRefusal(plan) ? { reason: plan.message, next: plan.next } : null;
  const prices = refusal === null ? known : priceLabels.map((label) => ({ label, value: "" }));
  return { id, title: titles[id], isRecommended, reason: reasons[id], refusal, prices };
}

/** Column heads, at most 16 characters. */
const titles: Readonly<Record<MethodId, string>> = {
  "restore-to-scratch": "to scratch",
  "rewind-in-place": "rewind in place",
  "base-backup-only": "base backup only",
};

const priceLabels = ["Users down", "Data lost", "Time to done", "Needs", "Undo", "Replicas", "Rehearsed"] as const;

function pricesOf(
  id: MethodId,
  plan: RecoveryPlan,
  target: TargetView,
  productionIsUp: boolean,
  tests: TestRecord,
): MethodView["prices"] {
  const { estimate, inputs } = plan;
  const inPlace = id === "rewind-in-place";
  const values: Record<(typeof priceLabels)[number], string> = {
    "Users down": !inPlace ? (productionIsUp ? "0 min" : "until you decide") : secondsWords(estimate),
    "Data lost": inPlace ? lostWords(inputs) : productionIsUp ? "none" : target.lost,
    "Time to done": `${secondsWords(estimate)}${estimate.measuredIn === undefined ? "" : `, as in ${estimate.measuredIn}`}`,
    Needs: formatBytes(estimate.bytesToWrite),
    Undo: inPlace ? "old directory kept" : "stop the scratch",
    Replicas: inPlace ? "must be rebuilt" : "untouched",
    Rehearsed: rehearsedWords(id, inputs.cluster, tests),
  };
  return priceLabels.map((label) => ({ label, value: values[label] }));
}

/** `6 d ago, 24m10`: when this cluster was last brought back this way on this host, and how long its steps took. */
function rehearsedWords(id: MethodId, cluster: string, { rehearsals, now }: TestRecord): string {
  const last = rehearsals?.find((r) => r.method === id && r.cluster === cluster);
  return testedWords(rehearsals === null ? undefined : (last ?? null), now);
}

function secondsWords(estimate: Estimate): string {
  return estimate.seconds === null ? "no estimate yet" : `≈ ${formatDuration(estimate.seconds)}`;
}
