import { step, type Binding } from "./screen.ts";
import { screenOf } from "./screens.ts";
import type { Model } from "./model.ts";

/** Screens with a list that `/` narrows. */
const filtered: readonly string[] = ["fleet", "points", "record"];

/** The keys that work on every screen. */
export const always: readonly Binding[] = [
  {
    keys: ["/"],
    hint: "filter",
    help: "narrow the list",
    group: "always",
    isInFooter: false,
    blocked: (model) => (filtered.includes(model.path.at(-1) ?? "") ? null : "there is no list to narrow here"),
    act: (model) => step(model, { overlay: { kind: "filter" }, filter: "", cursor: 0, scroll: 0 }),
  },
  {
    keys: ["w"],
    hint: "why",
    help: "why? the reasons",
    group: "always",
    isInFooter: true,
    act: (model) => step(model, { overlay: { kind: "why", lines: screenOf(model).why(model), top: 0 } }),
  },
  {
    keys: ["c"],
    hint: "copy as CLI",
    help: "copy it as a command line",
    group: "always",
    isInFooter: true,
    act: (model) => step(model, {}, { do: "copy", text: screenOf(model).command(model) }),
  },
  {
    keys: ["n"],
    hint: "note",
    help: "a note into the record",
    group: "always",
    isInFooter: true,
    blocked: (model) => {
      if (model.run === null) return "the record begins with a run";
      return model.run.isLive && !model.run.isOver ? null : "no runner is there to take it";
    },
    act: (model) => step(model, { overlay: { kind: "note", text: "" } }),
  },
  {
    keys: ["t"],
    hint: "UTC/local",
    help: "UTC or local time",
    group: "always",
    isInFooter: false,
    act: (model) => step(model, { zone: model.zone === "utc" ? "local" : "utc" }),
  },
  {
    keys: [":"],
    hint: "command",
    help: "all actions by name",
    group: "always",
    isInFooter: false,
    act: (model) => step(model, { overlay: { kind: "palette", text: "", cursor: 0 } }),
  },
  {
    keys: ["?"],
    hint: "help",
    help: "this help",
    group: "always",
    isInFooter: true,
    act: (model) => step(model, { overlay: { kind: "help", top: 0 } }),
  },
  {
    keys: ["esc"],
    hint: "back",
    help: "back; never quits or aborts",
    group: "always",
    isInFooter: true,
    blocked: (model) => (model.filter !== "" || model.path.length > 1 ? null : "this is the first screen"),
    act: (model) =>
      model.filter === ""
        ? step(model, { path: model.path.slice(0, -1), cursor: 0, scroll: 0, ...unfollow(model) })
        : step(model, { filter: "", cursor: 0, scroll: 0 }),
  },
  {
    keys: ["q"],
    hint: "quit",
    help: "close; what runs goes on",
    group: "always",
    isInFooter: true,
    act: (model) => step(model, { isLeaving: true }),
  },
];

function unfollow(model: Model): Partial<Model> {
  return model.run === null ? {} : { run: { ...model.run, isFollowing: false } };
}
