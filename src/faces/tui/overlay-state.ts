import { bindingsOf, keysLabel, notNow } from "./bindings.ts";
import type { KeyPress } from "./keys.ts";
import type { Model, Overlay } from "./model.ts";
import { step, type Binding, type Step } from "./screen.ts";

/** The actions of the palette that match what was typed; blocked ones stay, with their reason. */
export function paletteItems(model: Model, text: string): readonly Binding[] {
  const wanted = text.toLowerCase();
  return bindingsOf({ ...model, overlay: null }).filter(
    (b) => b.group !== "moving" && `${b.hint} ${b.help}`.toLowerCase().includes(wanted),
  );
}

/** What a key does while an overlay is open. Esc closes every one of them and changes nothing. */
export function overlayKey(model: Model, overlay: Overlay, key: KeyPress): Step {
  if (key.name === "esc") return step(model, { overlay: null, ...(overlay.kind === "filter" ? { filter: "" } : {}) });
  switch (overlay.kind) {
    case "help":
    case "why": {
      const by = { up: -1, k: -1, down: 1, j: 1, pgup: -10, pgdn: 10 }[key.name];
      if (by === undefined) return step(model, { overlay: null });
      return step(model, { overlay: { ...overlay, top: Math.max(0, overlay.top + by) } });
    }
    case "palette":
      return paletteKey(model, overlay, key);
    case "filter":
      if (key.name === "enter") return step(model, { overlay: null });
      return step(model, { filter: typedInto(model.filter, key), cursor: 0, scroll: 0 });
    case "note":
      if (key.name !== "enter") return step(model, { overlay: { ...overlay, text: typedInto(overlay.text, key) } });
      return overlay.text.trim() === ""
        ? step(model, { overlay: null })
        : step(model, { overlay: null, toast: "Noted." }, { do: "note", text: overlay.text.trim() });
    case "abort":
      return key.name === "y"
        ? step(model, { overlay: null, toast: "Asked for the end of the run." }, { do: "abort" })
        : step(model, { overlay: null });
    case "interrupt":
      return interruptKey(model, key);
    case "failure":
      return step(model, { overlay: null });
    default:
      return step(model, { overlay: null });
  }
}

/** What Ctrl-C offers: the keys that it names, and nothing else. */
function interruptKey(model: Model, key: KeyPress): Step {
  const { run } = model;
  if (run === null || !run.isLive || run.isOver) return step(model, { overlay: null });
  if (key.name === "x") return step(model, { overlay: { kind: "abort" } });
  if (key.name !== "p") return step(model, { overlay: null });
  return step(model, { overlay: null, toast: "Asked for a pause before the next step." }, { do: "pause" });
}

/** One line of the palette: `p        pause before the next step`. */
export function paletteLine(binding: Binding, model: Model): string {
  const reason = binding.blocked?.(model) ?? null;
  return `${keysLabel(binding).padEnd(8)} ${binding.help}${reason === null ? "" : `  (not now: ${reason})`}`;
}

function paletteKey(model: Model, overlay: Extract<Overlay, { kind: "palette" }>, key: KeyPress): Step {
  const items = paletteItems(model, overlay.text);
  const by = { up: -1, down: 1 }[key.name];
  if (by !== undefined) {
    const cursor = Math.max(0, Math.min(items.length - 1, overlay.cursor + by));
    return step(model, { overlay: { ...overlay, cursor } });
  }
  if (key.name !== "enter")
    return step(model, {
      overlay: { ...overlay, text: typedInto(overlay.text, key), cursor: 0 },
    });
  const item = items[overlay.cursor];
  const closed = { ...model, overlay: null };
  if (item === undefined) return step(closed, {});
  const reason = item.blocked?.(closed) ?? null;
  return reason === null ? item.act(closed, item.keys[0] ?? "") : step(closed, { toast: notNow(reason) });
}

function typedInto(text: string, key: KeyPress): string {
  if (key.name === "backspace") return text.slice(0, -1);
  return (text + key.typed).slice(0, 500);
}
