import type { Key } from "ink";

/** A key as bindings name it: `enter`, `up`, `ctrl-c`, or the character itself (`?`, `q`, `1`, `space`). */
export type KeyName = string;

/** What came from the keyboard in one go, one name per key. `typed` is what a text field takes of it. */
export interface KeyPress {
  readonly name: KeyName;
  readonly typed: string;
}

const special: readonly (readonly [keyof Key, KeyName])[] = [
  ["upArrow", "up"],
  ["downArrow", "down"],
  ["leftArrow", "left"],
  ["rightArrow", "right"],
  ["pageUp", "pgup"],
  ["pageDown", "pgdn"],
  ["home", "home"],
  ["end", "end"],
  ["return", "enter"],
  ["escape", "esc"],
  ["tab", "tab"],
  ["backspace", "backspace"],
  ["delete", "backspace"],
];

/** Ink's input as key presses; characters that came in one chunk (a slow line) are keys one after the other. */
export function keyPresses(input: string, key: Key): readonly KeyPress[] {
  const found = special.find(([flag]) => key[flag] === true);
  if (found !== undefined) return [{ name: found[1], typed: "" }];
  if (key.ctrl) return [{ name: `ctrl-${input}`, typed: "" }];
  if (key.meta) return [];
  return Array.from(input, (c) => {
    if (c === "\r" || c === "\n") return { name: "enter", typed: "" };
    if (c === "\t") return { name: "tab", typed: "" };
    return { name: c === " " ? "space" : c, typed: c };
  });
}

const labels: Readonly<Record<KeyName, string>> = {
  up: "↑",
  down: "↓",
  left: "←",
  right: "→",
  enter: "Enter",
  esc: "Esc",
  tab: "Tab",
  pgup: "PgUp",
  pgdn: "PgDn",
  space: "Space",
  backspace: "Backspace",
};

/** How a key is written on the screen: `Enter`, `↑`, `c`, `Ctrl-C`. */
export function keyLabel(name: KeyName): string {
  return labels[name] ?? (name.startsWith("ctrl-") ? `Ctrl-${name.slice(5).toUpperCase()}` : name);
}
