import { PgrescueError } from "../../domain/errors.ts";

/** One meaningful line of a postgresql.conf. */
export type ConfigLine =
  | { readonly kind: "setting"; readonly line: number; readonly name: string; readonly value: string }
  | { readonly kind: "include" | "include_if_exists" | "include_dir"; readonly line: number; readonly path: string }
  | { readonly kind: "problem"; readonly line: number; readonly text: string };

const linePattern =
  /^\s*([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*(?:\.[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)*)\s*=?\s*(.*)$/;
const quoted = /^'((?:[^'\\\n]|\\.|'')*)'\s*(?:#.*)?$/;
const unquoted = /^([^\s'#=]+)\s*(?:#.*)?$/;

/** Reads a postgresql.conf by the server's rules (guc-file.l): `name [=] value`, quotes doubled or escaped, `#` comments. */
export function parseConfigLines(text: string): readonly ConfigLine[] {
  const lines: ConfigLine[] = [];
  for (const [at, raw] of text.split(/\r?\n/).entries()) {
    if (/^\s*(?:#|$)/.test(raw)) continue;
    lines.push(parseLine(raw, at + 1));
  }
  return lines;
}

function parseLine(raw: string, line: number): ConfigLine {
  const m = linePattern.exec(raw);
  const value = m === null ? null : valueOf(m[2] ?? "");
  if (m === null || value === null)
    return { kind: "problem", line, text: `syntax error near "${raw.trim().slice(0, 60)}"` };
  const name = (m[1] ?? "").toLowerCase();
  if (name === "include" || name === "include_if_exists" || name === "include_dir")
    return { kind: name, line, path: value };
  return { kind: "setting", line, name, value };
}

function valueOf(text: string): string | null {
  const inQuotes = quoted.exec(text);
  if (inQuotes !== null) return unescapeValue(inQuotes[1] ?? "");
  return unquoted.exec(text)?.[1] ?? null;
}

const escapes: { readonly [letter: string]: string } = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

/** DeescapeQuotedString of the server: doubled quotes, C escapes, up to three octal digits. */
function unescapeValue(text: string): string {
  return text.replace(/''|\\([0-7]{1,3}|.)/g, (_whole, escaped: string | undefined) => {
    if (escaped === undefined) return "'";
    if (/^[0-7]/.test(escaped)) return String.fromCharCode(Number.parseInt(escaped, 8) & 0xff);
    return escapes[escaped] ?? escaped;
  });
}

/** A value for postgresql.conf: `'it''s'`. Throws `precondition-refused` for what no line can hold (newline, NUL). */
export function quoteSetting(value: string): string {
  if (/[\n\r\0]/.test(value)) {
    throw new PgrescueError(
      "precondition-refused",
      `a setting's value cannot contain a line break: ${JSON.stringify(value.slice(0, 60))}`,
    );
  }
  return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

/** Lines `name = 'value'`, each with its newline. Throws as quoteSetting, and for a name that is none. */
export function formatSettings(settings: { readonly [name: string]: string }): string {
  return Object.entries(settings)
    .map(([name, value]) => {
      if (!/^[A-Za-z_][\w$]*(?:\.[A-Za-z_][\w$]*)*$/.test(name))
        throw new PgrescueError("precondition-refused", `not a setting's name: ${JSON.stringify(name)}`);
      return `${name} = ${quoteSetting(value)}\n`;
    })
    .join("");
}
