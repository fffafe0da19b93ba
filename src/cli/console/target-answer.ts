import { formatInstant, parseInstant, type Instant } from "../../domain/instant.ts";
import type { RecoveryInputs } from "../../domain/plan.ts";
import { targetFrom, type SaidTarget } from "../../domain/target-choice.ts";
import type { TargetRequest } from "../../domain/target.ts";
import type { RecoveryPlan } from "../../engine/planning/plan-recovery.ts";
import { isRefusal, type PlanRefusal } from "../../domain/refusal.ts";
import type { RefusalView, TargetAnswer, TargetText, TargetView } from "../../faces/console-views.ts";

const saidAs = {
  time: (text) => ({ time: text }),
  xid: (text) => ({ xid: text }),
  "before-xid": (text) => ({ beforeXid: text }),
  lsn: (text) => ({ lsn: text }),
  name: (text) => ({ name: text }),
  latest: () => ({ latest: true }),
  immediate: () => ({ immediate: true }),
} satisfies Record<TargetText["kind"], (text: string) => SaidTarget>;

/** What was typed as a request; a refusal where it cannot be read. */
export function readTargetText(request: TargetText, now: Instant): TargetRequest | RefusalView {
  const read = targetFrom(saidAs[request.kind](request.text), now, -new Date().getTimezoneOffset());
  if (read === null) return { reason: "no target was named", next: "Type one." };
  return "problem" in read ? { reason: read.problem, next: read.hint } : read;
}

/** The planner's answer about a target, for the screen. */
export function targetAnswer(request: TargetText, planned: RecoveryPlan | PlanRefusal): TargetAnswer {
  if (isRefusal(planned)) return { isReachable: false, refusal: { reason: planned.message, next: planned.next } };
  const { inputs } = planned;
  const { target } = inputs;
  const lastAt = target.lastCommit === null ? null : parseInstant(target.lastCommit.at);
  return {
    isReachable: true,
    target: {
      request,
      title: titleOf(request, inputs),
      understood: [
        ...(target.kind === "time" ? [`${target.value} (UTC)`] : []),
        target.lastCommit === null
          ? "keeps the backup as it is, no later commit"
          : `keeps everything up to transaction ${target.lastCommit.xid}, committed ${target.lastCommit.at}`,
        ...(target.firstLost === null
          ? []
          : [`leaves out transaction ${target.firstLost.xid}, committed ${target.firstLost.at}, and all after it`]),
        ...Object.entries(inputs.settings).map(([name, value]) => `${name} = '${value}'`),
        `begins with ${inputs.point}`,
      ],
      at: lastAt,
      lost: lostWords(inputs),
      warnings: inputs.warnings,
      arguments: targetArguments(request, inputs),
    },
  };
}

/** What rewinding production to the target would lose. */
export function lostWords(inputs: RecoveryInputs): string {
  const { lostCommits, firstLost } = inputs.target;
  if (lostCommits === null) return "unknown";
  if (lostCommits === 0) return "nothing";
  return `${lostCommits} transaction${lostCommits === 1 ? "" : "s"}${firstLost === null ? "" : ` from ${firstLost.at.slice(11, 19)} on`}`;
}

function titleOf(request: TargetText, inputs: RecoveryInputs): string {
  switch (request.kind) {
    case "time":
      return `${inputs.target.value.slice(0, 19).replace("T", " ")} UTC`;
    case "before-xid":
      return `just before xid ${inputs.target.value}`;
    case "xid":
      return `xid ${inputs.target.value}`;
    case "lsn":
      return `LSN ${inputs.target.value}`;
    case "name":
      return `restore point ${inputs.target.value}`;
    case "latest":
      return "everything there is";
    case "immediate":
      return "the end of the backup";
  }
}

function targetArguments(request: TargetText, inputs: RecoveryInputs): readonly string[] {
  const point = request.point === undefined ? [] : ["--point", request.point];
  if (request.kind === "latest" || request.kind === "immediate") return [`--${request.kind}`, ...point];
  const value = request.kind === "time" ? formatInstantOr(inputs.target.value) : inputs.target.value;
  return [`--target-${request.kind}`, value, ...point];
}

function formatInstantOr(text: string): string {
  const at = parseInstant(text);
  return at === null ? text : formatInstant(at);
}

/** The view's words again as a target that can be asked for. */
export function requestOf(view: TargetView): TargetText {
  // A time is asked for as it was understood: "10 minutes ago" means another moment later on.
  const value = view.arguments[1];
  return view.request.kind === "time" && value !== undefined ? { ...view.request, text: value } : view.request;
}
