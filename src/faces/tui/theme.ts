import type { Mark } from "../marks.ts";
import { span, type Span, type Tone } from "./text.ts";

/** How a tone looks: Ink's text properties. */
export interface Look {
  readonly color?: string;
  readonly bold?: boolean;
  readonly dimColor?: boolean;
  readonly inverse?: boolean;
}

const looks: Readonly<Record<Tone, Look>> = {
  plain: {},
  strong: { bold: true },
  dim: { dimColor: true },
  good: { color: "green" },
  warn: { color: "yellow", bold: true },
  bad: { color: "red", bold: true },
  accent: { color: "cyan" },
  chosen: { bold: true },
};

/** The look of a tone; without colour bold and dim remain. */
export function lookOf(tone: Tone, hasColor: boolean): Look {
  const { color, ...rest } = looks[tone];
  return hasColor && color !== undefined ? { color, ...rest } : rest;
}

const tones: Readonly<Partial<Record<Mark, Tone>>> = {
  "[ OK ]": "good",
  "[done]": "good",
  "[WARN]": "warn",
  "[ ?? ]": "warn",
  "[cut ]": "warn",
  "[FAIL]": "bad",
  "[run ]": "accent",
  "[....]": "dim",
  "[SKIP]": "dim",
};

/** A word in brackets with its colour. */
export function marked(mark: Mark): Span {
  return span(mark, tones[mark] ?? "plain");
}

const blocks = "▁▂▃▄▅▆▇█";

/** Values as a line of blocks, the newest right, at most `width` cells; the highest value is the full block. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const top = Math.max(...shown, 0);
  if (top === 0) return blocks[0]?.repeat(shown.length) ?? "";
  return shown.map((v) => blocks[Math.max(0, Math.min(7, Math.round((v / top) * 7)))] ?? "▁").join("");
}

/** A bar of `width` cells, filled by `share` (0 to 1). */
export function bar(share: number, width: number): string {
  const full = Math.max(0, Math.min(width, Math.floor(share * width)));
  return "█".repeat(full) + "░".repeat(width - full);
}

const plainer: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ..."─-═=━=╍:│|║|┌+┐+└+┘+├+┤+┬+┴+┼+╔+╗+╚+╝+╟+╢+╠+╣+┿+".matchAll(/(.)(.)/gu),
    ..."❯>→>←<↑^↓v●*■#◉@╳x✗x✓v·.…~≈~≤<≥>×x▏_█#░.▌|▐|▁_▂.▃-▄-▅=▆=▇+–-—-‘'’'“\"”\"".matchAll(/(.)(.)/gu),
  ].map((m) => [m[1] ?? "", m[2] ?? ""]),
);

/** The same text in ASCII, cell by cell, so that columns stay where they are. */
export function toAscii(text: string): string {
  return text.replaceAll(/[^\u0020-\u007e]/gu, (c) => plainer[c] ?? "?");
}
