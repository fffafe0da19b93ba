import type { Phase } from "../../domain/runbook.ts";
import type { Effect } from "./effects.ts";
import type { KeyName } from "./keys.ts";
import type { Model, ScreenName } from "./model.ts";

/** The next model, and what is wanted from outside. */
export interface Step {
  readonly model: Model;
  readonly effects: readonly Effect[];
}

/** A step that changes `changes` and wants `effects`. */
export function step(model: Model, changes: Partial<Model>, ...effects: readonly Effect[]): Step {
  return { model: { ...model, ...changes }, effects };
}

/** A key with what it does. Footer, help and palette are made of these, never written by hand. */
export interface Binding {
  readonly keys: readonly KeyName[];
  /** How the keys are written where their names do not say it best. */
  readonly label?: string;
  /** One or two words for the footer: `choose`. */
  readonly hint: string;
  /** The footer's word where it depends on what comes next. */
  readonly hintNow?: (model: Model) => string;
  /** A few words for help and palette. */
  readonly help: string;
  readonly group: "here" | "moving" | "always";
  readonly isInFooter: boolean;
  /** Why it does nothing now; null: it works. A missing action stays visible with its reason. */
  readonly blocked?: (model: Model) => string | null;
  readonly act: (model: Model, key: KeyName) => Step;
}

/** A screen's behaviour; its picture is in the file of the same name without `-state`. */
export interface Screen {
  readonly name: ScreenName;
  readonly title: string;
  /** Which of the five phases is lit in the second line; null: no such line. */
  readonly phase: Phase | "record" | null;
  readonly bindings: readonly Binding[];
  /** Takes typed characters and backspace (as "") where the screen has a text field that is active. */
  readonly type?: (model: Model, typed: string) => Step | null;
  /** What happens when it is entered. */
  readonly opened?: (model: Model) => Step;
  /** The command that does the same outside the console. */
  readonly command: (model: Model) => string;
  /** Why the screen recommends what it recommends. */
  readonly why: (model: Model) => readonly string[];
}

/** Goes to a screen and remembers the way back. What it does on entering is done by update.ts. */
export function go(model: Model, screen: ScreenName, changes: Partial<Model> = {}): Step {
  return step(model, {
    ...changes,
    path: [...model.path.filter((s) => s !== screen), screen],
    filter: "",
    cursor: 0,
    scroll: 0,
  });
}

/** The cursor moved by `by` within `count` lines. */
export function moved(model: Model, by: number, count: number): Step {
  return step(model, { cursor: Math.max(0, Math.min(count - 1, model.cursor + by)) });
}

/** Keys that go back and forth, with how far they go. */
const ways: readonly {
  readonly back: readonly KeyName[];
  readonly forth: readonly KeyName[];
  readonly label: string;
  readonly by: number;
}[] = [
  { back: ["up", "k"], forth: ["down", "j"], label: "↑↓", by: 1 },
  { back: ["pgup"], forth: ["pgdn"], label: "PgUp PgDn", by: 10 },
  { back: ["g", "home"], forth: ["G", "end"], label: "g G", by: 1e6 },
];

function moving(hint: string, act: (model: Model, by: number) => Step): readonly Binding[] {
  return ways.map(({ back, forth, label, by }) => ({
    keys: [...back, ...forth],
    label,
    hint: by === 1 ? hint : by === 10 ? "page" : "first, last",
    help: by === 1 ? `${hint} (or k j)` : by === 10 ? "a page" : "first, last",
    group: "moving",
    isInFooter: by === 1,
    act: (model, key) => act(model, back.includes(key) ? -by : by),
  }));
}

/** The keys that move in a list of `count(model)` lines. */
export function listKeys(count: (model: Model) => number): readonly Binding[] {
  return moving("move", (model, by) => moved(model, by, count(model)));
}

/** The keys that scroll a screen; the picture corrects what goes too far. */
export const scrollKeys: readonly Binding[] = moving("scroll", (model, by) =>
  step(model, { scroll: Math.max(0, Math.min(10_000, model.scroll + by)) }),
);
