import type { TargetAnswer, TargetKind, TargetText } from "../console-views.ts";
import { line, targetArguments } from "../command-lines.ts";
import { go, step, type Screen, type Step } from "./screen.ts";
import { loading } from "./loadable.ts";
import type { Model } from "./model.ts";

export interface TargetState {
  readonly request: TargetText;
  /** null: not asked, or changed since. */
  readonly answer: TargetAnswer | null;
  readonly isAsking: boolean;
}

export const initialTarget: TargetState = {
  request: { kind: "time", text: "" },
  answer: null,
  isAsking: false,
};

/** The kinds in the order of the screen, with what is typed for each; "" needs nothing. */
export const targetKinds: readonly {
  readonly kind: TargetKind;
  readonly title: string;
  readonly example: string;
}[] = [
  { kind: "time", title: "a moment", example: "2026-11-20 02:51:07+00, 02:51 UTC, 10 minutes ago" },
  { kind: "before-xid", title: "before a transaction", example: "88123457: it is undone" },
  { kind: "xid", title: "after a transaction", example: "88123456: it is kept" },
  { kind: "lsn", title: "a WAL position", example: "4E/2C00A118" },
  { kind: "name", title: "a restore point", example: "before-deploy-412" },
  { kind: "latest", title: "the newest moment", example: "" },
  { kind: "immediate", title: "the backup's own end", example: "" },
];

/** Opens the target screen with a request; what needs no text is looked up at once. */
export function openTarget(model: Model, request: TargetText): Step {
  const opened = go(model, "target", { target: { request, answer: null, isAsking: false } });
  const isComplete = request.text !== "" || !needsText(request.kind);
  return isComplete ? ask(opened.model) : opened;
}

/** Whether the kind wants something to be typed. */
export function needsText(kind: TargetKind): boolean {
  return kind !== "latest" && kind !== "immediate";
}

function ask(model: Model): Step {
  if (model.cluster === null) return step(model, {});
  return step(
    model,
    { target: { ...model.target, answer: null, isAsking: true } },
    { do: "resolve", cluster: model.cluster, request: model.target.request },
  );
}

function changed(model: Model, request: TargetText): Step {
  return step(model, { target: { request, answer: null, isAsking: false } });
}

function switched(model: Model, by: number): Step {
  const { request } = model.target;
  const at = targetKinds.findIndex((k) => k.kind === request.kind);
  const next = targetKinds[(at + by + targetKinds.length) % targetKinds.length];
  return next === undefined ? step(model, {}) : changed(model, { ...request, kind: next.kind });
}

export const target: Screen = {
  name: "target",
  title: "2 Choose: target",
  phase: "choose",
  type: (model, typed) => {
    const { request } = model.target;
    if (!needsText(request.kind)) return null;
    const text = typed === "" ? request.text.slice(0, -1) : (request.text + typed).slice(0, 200);
    return changed(model, { ...request, text });
  },
  bindings: [
    {
      keys: ["up", "down"],
      hint: "kind",
      help: "what kind of target",
      group: "moving",
      isInFooter: true,
      act: (model, key) => switched(model, key === "up" ? -1 : 1),
    },
    {
      keys: ["enter"],
      hint: "look up, go on",
      help: "look up, then methods",
      group: "here",
      isInFooter: true,
      blocked: ({ target: { request, isAsking } }) => {
        if (isAsking) return "the target is being looked up";
        return needsText(request.kind) && request.text.trim() === "" ? "type the target first" : null;
      },
      act: (model) => {
        const { answer } = model.target;
        if (answer?.isReachable !== true || model.cluster === null) return ask(model);
        const opened = go(model, "methods", { methods: { list: loading } });
        const wanted = { do: "methods", cluster: model.cluster, target: answer.target } as const;
        return step(opened.model, {}, wanted);
      },
    },
    {
      keys: ["tab"],
      hint: "clear",
      help: "clear the text",
      group: "here",
      isInFooter: true,
      act: (model) => changed(model, { kind: model.target.request.kind, text: "" }),
    },
  ],
  command: (model) => {
    const { answer, request } = model.target;
    const words = answer?.isReachable === true ? answer.target.arguments : targetArguments(request);
    return line(["plan", "--cluster", model.cluster ?? "NAME", ...words]);
  },
  why: () => [
    "A target is looked up in the WAL before anything is copied: what cannot be reached is refused now, not after an hour.",
    "A time needs its offset (+00, UTC, Z): a time without one is somebody's local time, and nobody knows whose.",
    "To undo one transaction, name it: before a transaction keeps everything that committed before it.",
  ],
};
