import type { Choice, MethodView } from "../console-views.ts";
import { recoverLine } from "../command-lines.ts";
import { idle, loading, valueOf, type Loadable } from "./loadable.ts";
import type { Model } from "./model.ts";
import { go, listKeys, step, type Screen, type Step } from "./screen.ts";

export interface MethodsState {
  readonly list: Loadable<readonly MethodView[]>;
}

export const initialMethods: MethodsState = { list: idle };

/** `A`, `B`, ... by place in the list. */
export function letterOf(index: number): string {
  return String.fromCodePoint(65 + index);
}

/** The methods, the recommended one first. */
export function methodsOf(model: Model): readonly MethodView[] {
  return valueOf(model.methods.list) ?? [];
}

/** What would be run with the marked method; null before target and method are known. */
function choiceOf(model: Model): Choice | null {
  const { answer } = model.target;
  const method = methodsOf(model)[model.path.at(-1) === "methods" ? model.cursor : 0];
  if (model.preflight.choice !== null && model.path.at(-1) !== "methods") return model.preflight.choice;
  if (answer?.isReachable !== true || method === undefined || model.cluster === null) return null;
  return { cluster: model.cluster, target: answer.target, method: method.id };
}

function preflight(model: Model): Step {
  const choice = choiceOf(model);
  if (choice === null) return step(model, {});
  const opened = go(model, "preflight", {
    preflight: { choice, view: loading, isDryRun: false, isStarting: false },
  });
  return step(opened.model, {}, { do: "preflight", choice });
}

export const methods: Screen = {
  name: "methods",
  title: "2 Choose: method",
  phase: "choose",
  bindings: [
    ...listKeys((model) => methodsOf(model).length),
    {
      keys: ["A", "B", "C", "D", "E", "F"],
      label: "A B C",
      hint: "mark",
      help: "mark by letter",
      group: "moving",
      isInFooter: false,
      act: (model, key) => {
        const index = (key.codePointAt(0) ?? 0) - 65;
        return index < methodsOf(model).length ? step(model, { cursor: index }) : step(model, {});
      },
    },
    {
      keys: ["enter"],
      hint: "preflight",
      help: "check the marked method",
      group: "here",
      isInFooter: true,
      blocked: (model) => {
        const method = methodsOf(model)[model.cursor];
        if (method === undefined) return "the methods are still being priced";
        return method.refusal?.reason ?? null;
      },
      act: preflight,
    },
  ],
  command: (model) => {
    const choice = choiceOf(model);
    return choice === null ? "pgrescue plan" : recoverLine(choice);
  },
  why: (model) => {
    const method = methodsOf(model)[model.cursor];
    if (method === undefined) return [];
    return [
      `${method.title}: ${method.reason}`,
      ...(method.refusal === null ? [] : [method.refusal.reason, method.refusal.next]),
    ];
  },
};
