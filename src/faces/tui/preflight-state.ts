import type { Choice, PreflightView } from "../console-views.ts";
import { line, recoverLine } from "../command-lines.ts";
import { idle, valueOf, type Loadable } from "./loadable.ts";
import { scrollKeys, step, type Screen } from "./screen.ts";

export interface PreflightState {
  readonly choice: Choice | null;
  readonly view: Loadable<PreflightView>;
  /** Shows the steps with their commands instead of the checks. */
  readonly isDryRun: boolean;
  /** The runner is being started; a second Enter must not start another. */
  readonly isStarting: boolean;
}

export const initialPreflight: PreflightState = {
  choice: null,
  view: idle,
  isDryRun: false,
  isStarting: false,
};

/** Why it must not be started; null: it may. */
function startRefusal(state: PreflightState): string | null {
  const view = valueOf(state.view);
  if (view === null) return "the checks have not ended";
  if (view.refusal !== null) return view.refusal.reason;
  const failed = view.verdicts.filter((v) => v.result === "fail");
  if (failed.length > 0) return `failed: ${failed.map((v) => v.title).join(", ")}`;
  return state.isStarting ? "it is being started" : null;
}

export const preflight: Screen = {
  name: "preflight",
  title: "2 Choose: preflight",
  phase: "choose",
  bindings: [
    ...scrollKeys,
    {
      keys: ["enter"],
      hint: "start",
      help: "start the run",
      group: "here",
      isInFooter: true,
      blocked: (model) => startRefusal(model.preflight),
      act: (model) =>
        model.preflight.choice === null
          ? step(model, {})
          : step(
              model,
              { preflight: { ...model.preflight, isStarting: true }, toast: "Starting ..." },
              { do: "start", choice: model.preflight.choice },
            ),
    },
    {
      keys: ["d"],
      hint: "dry run",
      help: "the steps with commands",
      group: "here",
      isInFooter: true,
      blocked: (model) => (model.preflight.view.status === "ready" ? null : "the plan is not made yet"),
      act: (model) =>
        step(model, {
          preflight: { ...model.preflight, isDryRun: !model.preflight.isDryRun },
          scroll: 0,
        }),
    },
  ],
  command: (model) => {
    const view = valueOf(model.preflight.view);
    if (view !== null) return line(view.command);
    return model.preflight.choice === null ? "pgrescue plan" : recoverLine(model.preflight.choice);
  },
  why: (model) => {
    const view = valueOf(model.preflight.view);
    if (view?.refusal != null) return [view.refusal.reason, view.refusal.next];
    return [
      "Everything that can be known is checked before a byte is written: space, versions, WAL, rights, the right host.",
      "Steps that change production stop and ask for the cluster and host to be typed.",
    ];
  },
};
