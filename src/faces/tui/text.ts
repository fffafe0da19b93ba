import { visible } from "../untrusted.ts";

/** What a piece of text means; theme.ts says how that looks. Never the only carrier of a meaning. */
export type Tone = "plain" | "strong" | "dim" | "good" | "warn" | "bad" | "accent" | "chosen";

export interface Span {
  readonly text: string;
  readonly tone: Tone;
}

/** One line of the screen. */
export type Row = readonly Span[];

/** A piece of text with a meaning. */
export function span(text: string, tone: Tone = "plain"): Span {
  return { text, tone };
}

/** A line of pieces; plain strings are plain text. */
export function row(...parts: readonly (Span | string)[]): Row {
  return parts.map((part) => (typeof part === "string" ? span(part) : part));
}

/** The text of a line without its tones. */
export function textOf(line: Row): string {
  return line.map((s) => s.text).join("");
}

/** How many cells a text takes in a terminal: wide characters take two, combining marks none. */
export function cells(text: string): number {
  let width = 0;
  for (const c of text) width += cellsOf(c.codePointAt(0) ?? 0);
  return width;
}

/** The text cut to `width` cells, with `…` at its end where something is missing. Control characters are gone. */
export function cut(text: string, width: number): string {
  const safe = visible(text);
  if (cells(safe) <= width) return safe;
  return width <= 0 ? "" : `${prefix(safe, width - 1)}…`;
}

/** The longest beginning that fits into `width` cells. */
function prefix(text: string, width: number): string {
  let taken = "";
  let used = 0;
  for (const c of text) {
    used += cellsOf(c.codePointAt(0) ?? 0);
    if (used > width) break;
    taken += c;
  }
  return taken;
}

/** Exactly `width` cells: cut or filled with blanks on the right. */
export function left(text: string, width: number): string {
  const short = cut(text, width);
  return short + " ".repeat(Math.max(0, width - cells(short)));
}

/** Exactly `width` cells: cut or filled with blanks on the left. */
export function right(text: string, width: number): string {
  const short = cut(text, width);
  return " ".repeat(Math.max(0, width - cells(short))) + short;
}

/** A line cut to `width` cells, its pieces made safe. */
export function cutRow(line: Row, width: number): Row {
  let rest = width;
  const out: Span[] = [];
  for (const s of line) {
    if (rest <= 0) break;
    const text = cut(s.text, rest);
    rest -= cells(text);
    out.push({ text, tone: s.tone });
  }
  return out;
}

/** The text with its blanks made unbreakable for `wrap`, which turns them back. */
export function together(text: string): string {
  return text.replaceAll(" ", "\u00a0");
}

/** The text in lines of at most `width` cells, broken at blanks where there are any. */
export function wrap(text: string, width: number): readonly string[] {
  return broken(text, width).map((line) => line.replaceAll("\u00a0", " "));
}

function broken(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of visible(text).split(" ")) {
    const next = line === "" ? word : `${line} ${word}`;
    if (cells(next) <= width) {
      line = next;
      continue;
    }
    if (line !== "") lines.push(line);
    line = word;
    while (cells(line) > width) {
      const head = prefix(line, Math.max(1, width));
      lines.push(head);
      line = line.slice(head.length);
    }
  }
  return line === "" && lines.length > 0 ? lines : [...lines, line];
}

// The ranges of East Asian Width W and F that names in databases are made of; emoji too.
const wide = /[ᄀ-ᅟ⺀-〾ぁ-㏿㐀-䶿一-鿿ꀀ-꓏가-힣豈-﫿︰-﹏＀-｠￠-￦\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

function cellsOf(code: number): number {
  if (code < 0x300) return 1;
  const c = String.fromCodePoint(code);
  if (/\p{Mn}|\p{Me}/u.test(c)) return 0;
  return wide.test(c) ? 2 : 1;
}
