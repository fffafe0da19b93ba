import { always } from "./always.ts";
import { keyLabel, type KeyName } from "./keys.ts";
import type { Model } from "./model.ts";
import type { Binding } from "./screen.ts";
import { screenOf } from "./screens.ts";

/** Whether letters are text on this screen now, so that only named keys (Enter, Esc, arrows, Tab) and `?` act. */
export function isTyping(model: Model): boolean {
  return screenOf(model).type?.(model, "") != null;
}

/** The bindings that can be pressed now, the screen's own first; a screen's key hides the same one of all screens. */
export function bindingsOf(model: Model): readonly Binding[] {
  const own = screenOf(model).bindings;
  const taken = new Set(own.flatMap((b) => b.keys));
  const all = [...own, ...always.filter((b) => !b.keys.some((k) => taken.has(k)))];
  return isTyping(model) ? all.filter((b) => b.keys.every(isNamed)) : all;
}

/** The binding of a key, blocked or not. */
export function bindingOf(model: Model, key: KeyName): Binding | undefined {
  return bindingsOf(model).find((b) => b.keys.includes(key));
}

/** What the hint line says when a blocked binding is pressed. */
export function notNow(reason: string): string {
  return `Not now: ${reason}.`;
}

/** `↑↓`, `1-8`, `Enter`. */
export function keysLabel(binding: Binding): string {
  if (binding.label !== undefined) return binding.label;
  const [first, second] = binding.keys;
  if (first === undefined) return "";
  if (binding.keys.length > 2) return `${keyLabel(first)}-${keyLabel(binding.keys.at(-1) ?? "")}`;
  if (second === undefined) return keyLabel(first);
  const isArrow = first.length > 1 && keyLabel(first).length === 1;
  const glue = isArrow ? "" : " ";
  return keyLabel(first) + glue + keyLabel(second);
}

/** The footer's hints that fit into `width` cells, the most important first; `? help` always among them. */
export function footerHints(model: Model, width: number): string {
  const shown = bindingsOf(model).filter((b) => b.isInFooter && b.blocked?.(model) == null);
  const text = (b: Binding): string => `${keysLabel(b)} ${b.hintNow?.(model) ?? b.hint}`;
  const help = shown.find((b) => b.keys.includes("?"));
  const rest = shown.filter((b) => b !== help).toSorted((a, b) => weight(a) - weight(b));
  const kept: string[] = [];
  let used = help === undefined ? 0 : text(help).length + 2;
  for (const binding of rest) {
    const hint = text(binding);
    if (used + hint.length + 2 > width) continue;
    used += hint.length + 2;
    kept.push(hint);
  }
  return [...kept, ...(help === undefined ? [] : [text(help)])].join("  ");
}

function weight(binding: Binding): number {
  if (binding.keys.includes("esc") || binding.keys.includes("q")) return 2;
  return { moving: 0, here: 1, always: 3 }[binding.group];
}

function isNamed(key: KeyName): boolean {
  return key.length > 1 || key === "?";
}
