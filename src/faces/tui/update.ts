import type { Instant } from "../../domain/instant.ts";
import { reduce } from "../../domain/run/reduce.ts";
import { emptyRun } from "../../domain/run/state.ts";
import type { Zone } from "../moments.ts";
import { assessed, initialAssess } from "./assess-state.ts";
import { bindingOf, bindingsOf, notNow } from "./bindings.ts";
import { idle, loading, ready } from "./loadable.ts";
import type { KeyPress } from "./keys.ts";
import type { Message } from "./messages.ts";
import { initialMethods } from "./methods-state.ts";
import type { Model, RunSlice } from "./model.ts";
import { overlayKey } from "./overlay-state.ts";
import { initialPoints } from "./points-state.ts";
import { initialPreflight } from "./preflight-state.ts";
import { initialQuestion } from "./question-state.ts";
import { runViews, screenOfRun } from "./run-screens.ts";
import { step, type Step } from "./screen.ts";
import { screenOf } from "./screens.ts";
import { initialTarget } from "./target-state.ts";
import { failed } from "./failed.ts";

/** The first model: the home screen as a skeleton, everything else still to come. */
export function initialModel(start: {
  readonly now: Instant;
  readonly columns: number;
  readonly rows: number;
  readonly zone?: Zone;
  readonly cluster?: string | null;
}): Model {
  return {
    zone: "utc",
    cluster: null,
    ...start,
    path: ["home"],
    overlay: null,
    toast: null,
    filter: "",
    cursor: 0,
    scroll: 0,
    home: loading,
    assess: initialAssess,
    points: initialPoints,
    target: initialTarget,
    methods: initialMethods,
    preflight: initialPreflight,
    question: initialQuestion,
    run: null,
    isLeaving: false,
    copied: [],
  };
}

/** The model after a message, and what is wanted from outside. Pure; the only place that moves the console on. */
export function update(model: Model, message: Message): Step {
  const next = withoutOldReason(apply(model, message));
  const isNew = next.model.path.at(-1) !== model.path.at(-1);
  const opened = isNew ? screenOf(next.model).opened?.(next.model) : undefined;
  return opened === undefined ? next : { model: opened.model, effects: [...next.effects, ...opened.effects] };
}

/** "Not now" is said only as long as something on this screen is blocked for that reason: what was awaited has come. */
function withoutOldReason(next: Step): Step {
  const { model } = next;
  if (model.toast?.startsWith("Not now:") !== true) return next;
  const isStill = bindingsOf(model).some((b) => {
    const reason = b.blocked?.(model) ?? null;
    return reason !== null && notNow(reason) === model.toast;
  });
  return isStill ? next : { ...next, model: { ...model, toast: null } };
}

function apply(model: Model, message: Message): Step {
  switch (message.is) {
    case "key":
      return pressed({ ...model, now: message.at, toast: null }, message.key);
    case "pasted":
      return pasted(model, message.text.replaceAll(/[\r\n]+/g, ""));
    case "tick":
      return step(model, { now: message.at });
    case "resized":
      return step(model, { columns: message.columns, rows: message.rows });
    case "home":
      return arrived(model, message.home);
    case "assessed":
      return message.cluster === model.assess.cluster
        ? step(model, { assess: assessed(model.assess, message.event) })
        : step(model, {});
    case "survey":
      return message.cluster === model.points.cluster
        ? step(model, { points: { ...model.points, survey: ready(message.survey) } })
        : step(model, {});
    case "target":
      return message.request === model.target.request
        ? step(model, { target: { ...model.target, answer: message.answer, isAsking: false } })
        : step(model, {});
    case "methods":
      return step(model, { methods: { list: ready(message.methods) } });
    case "preflight":
      return step(model, { preflight: { ...model.preflight, view: ready(message.preflight) } });
    case "joined":
      return joined(model, message.run, message.isLive);
    case "events": {
      const { run } = model;
      if (run?.id !== message.run) return step(model, {});
      const state = message.events.reduce(reduce, run.state);
      return followed(model, { ...run, state });
    }
    case "parted":
      return model.run?.id === message.run ? followed(model, { ...model.run, isOver: true }) : step(model, {});
    case "failed":
      return failed(model, message.effect, message.failure);
    case "said":
      return step(model, { toast: message.text, ...copiedNow(model, message.text) });
    default:
      return step(model, {});
  }
}

function pressed(model: Model, key: KeyPress): Step {
  if (key.name === "ctrl-c")
    return model.overlay?.kind === "interrupt"
      ? step(model, { isLeaving: true })
      : step(model, { overlay: { kind: "interrupt" } });
  if (model.overlay !== null) return overlayKey(model, model.overlay, key);
  const binding = bindingOf(model, key.name);
  if (binding !== undefined) {
    const reason = binding.blocked?.(model) ?? null;
    return reason === null ? binding.act(model, key.name) : step(model, { toast: notNow(reason) });
  }
  const isText = key.typed !== "" || key.name === "backspace";
  return (isText ? screenOf(model).type?.(model, key.typed) : null) ?? step(model, {});
}

function pasted(model: Model, text: string): Step {
  if (model.overlay !== null) return overlayKey(model, model.overlay, { name: "pasted", typed: text });
  return text === "" ? step(model, {}) : (screenOf(model).type?.(model, text) ?? step(model, {}));
}

function arrived(model: Model, home: Extract<Message, { is: "home" }>["home"]): Step {
  const only = home.clusters.length === 1 ? (home.clusters[0]?.name ?? null) : null;
  const isFirst = model.home.status !== "ready";
  const path =
    isFirst && home.clusters.length > 1 && model.path[0] === "home" && model.cluster === null
      ? (["fleet", ...model.path.slice(1)] as const)
      : model.path;
  return step(model, { home: ready(home), cluster: model.cluster ?? only, path });
}

function joined(model: Model, id: string, isLive: boolean): Step {
  const run: RunSlice = { id, isLive, state: emptyRun, isFollowing: true, isOver: false };
  const back = model.path.filter((s) => s === "fleet" || s === "home");
  return step(model, {
    run,
    path: [...back, "execute"],
    preflight: { ...initialPreflight, view: idle },
    question: initialQuestion,
    overlay: null,
    toast: null,
    cursor: 0,
    scroll: 0,
  });
}

/** The model with a newer run: the view goes with its phase, and a question comes to the front. */
function followed(model: Model, run: RunSlice): Step {
  const asked = run.state.question?.question ?? null;
  const isNew = asked !== null && asked.id !== model.question.id;
  const question = isNew
    ? { ...initialQuestion, id: asked.id, openedAt: model.now }
    : asked === null
      ? initialQuestion
      : model.question;
  const here = model.path.at(-1) ?? "home";
  const isOnRun = runViews.includes(here);
  const isShown = isOnRun || here === "question";
  const base = model.path.filter((s) => s !== "question" && !runViews.includes(s));
  const view = isOnRun && !run.isFollowing ? here : screenOfRun(run);
  const path = !isShown
    ? model.path
    : asked !== null && (isNew || here === "question") && run.isLive
      ? [...base, view, "question" as const]
      : [...base, view];
  const isMoved = path.at(-1) !== here;
  return step(model, { run, question, path, ...(isMoved ? { cursor: 0, scroll: 0 } : {}) });
}

function copiedNow(model: Model, text: string): Partial<Model> {
  const command = /^Copied: (.*)$/.exec(text)?.[1];
  return command === undefined || model.copied.includes(command) ? {} : { copied: [...model.copied, command] };
}
