import type { Effect } from "./effects.ts";
import type { Failure } from "./loadable.ts";
import type { Model } from "./model.ts";
import { step, type Step } from "./screen.ts";

const doing = {
  "load-home": "Looking at the clusters",
  assess: "Assessing",
  survey: "Reading the repositories",
  resolve: "Looking up the target",
  methods: "Pricing the methods",
  preflight: "Checking before the start",
  start: "Starting the run",
  backup: "Starting the backup",
  attach: "Joining the run",
  resume: "Continuing the run",
  answer: "Answering",
  pause: "Asking for a pause",
  abort: "Asking for the end",
  note: "Writing the note",
  copy: "Copying",
} as const satisfies Record<Effect["do"], string>;

/** The model after something from outside failed: said in four parts, what waited for it does not wait any more. */
export function failed(model: Model, effect: Effect["do"], failure: Failure): Step {
  const overlay = { kind: "failure", doing: doing[effect], failure } as const;
  const lost = { status: "failed", failure } as const;
  switch (effect) {
    case "load-home":
      return step(model, { overlay, home: model.home.status === "ready" ? model.home : lost });
    case "assess":
      return step(model, { overlay, assess: { ...model.assess, isOver: true } });
    case "survey":
      return step(model, { overlay, points: { ...model.points, survey: lost } });
    case "resolve":
      return step(model, { overlay, target: { ...model.target, isAsking: false } });
    case "methods":
      return step(model, { overlay, methods: { list: lost } });
    case "preflight":
      return step(model, { overlay, preflight: { ...model.preflight, view: lost } });
    case "start":
      return step(model, { overlay, preflight: { ...model.preflight, isStarting: false } });
    case "answer":
      return step(model, { overlay, question: { ...model.question, isSent: false } });
    case "backup":
    case "attach":
    case "resume":
    case "pause":
    case "abort":
    case "note":
    case "copy":
      return step(model, { overlay });
    default:
      return step(model, { overlay });
  }
}
