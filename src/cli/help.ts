import type { Command, OptionSpecs } from "./command.ts";
import { globalOptions } from "./global-options.ts";

/** The verbs as an operator looks for them, what is needed at 3 AM first; others come last. */
const groups: readonly (readonly [title: string, verbs: readonly string[]])[] = [
  ["Recover", ["recover", "plan", "points", "console"]],
  ["A run that is going on, or was", ["attach", "continue", "abort", "report"]],
  ["How are we", ["status", "doctor", "check", "history", "metrics", "notify"]],
  ["Protect", ["backup", "mark", "schedule", "copy", "verify", "drill", "wal-push", "wal-fetch", "wal-verify"]],
  ["Keep and let go", ["expire", "hold", "release", "unlock"]],
  ["Set up and learn", ["init", "generate", "config", "demo", "runbook", "explain", "completion"]],
];

/** The summary of all verbs, grouped. */
export function programHelp(summaries: readonly { readonly verb: string; readonly summary: string }[]): string {
  const width = Math.max(...summaries.map(({ verb }) => verb.length));
  return [
    "pgrescue: the 3 AM console for PostgreSQL",
    "",
    "Usage: pgrescue [COMMAND] [OPTIONS]     without a command: the console",
    "",
    ...grouped(summaries.map(({ verb }) => verb)).flatMap(([title, verbs]) => [
      `${title}:`,
      ...summaries
        .filter(({ verb }) => verbs.includes(verb))
        .toSorted((a, b) => verbs.indexOf(a.verb) - verbs.indexOf(b.verb))
        .flatMap(({ verb, summary }) =>
          wrap(summary, 76 - width).map((line, i) => `  ${(i === 0 ? verb : "").padEnd(width)}  ${line}`),
        ),
      "",
    ]),
    "Options of every command:",
    ...optionLines(globalOptions),
    "",
    "Examples:",
    "  pgrescue demo                              # see a whole recovery on a throwaway server",
    "  pgrescue points                            # every moment you can go back to",
    "  pgrescue recover --target-time '10 minutes ago' --to /srv/scratch/shop",
    "  pgrescue attach                            # join the run that is going on",
    "",
    "`pgrescue COMMAND --help` shows a command's options and examples; `pgrescue explain CODE` an exit code.",
  ].join("\n");
}

/** The help of one verb. */
export function commandHelp(command: Command): string {
  return [
    ...wrap(`pgrescue ${command.usage}`, 80),
    "",
    ...wrap((command.description ?? `${capital(command.summary)}.`).replaceAll("\n", " "), 80),
    ...(Object.keys(command.options).length === 0 ? [] : ["", "Options:", ...optionLines(command.options)]),
    "",
    "Options of every command:",
    ...optionLines(
      Object.fromEntries(Object.entries(globalOptions).filter(([name]) => !Object.hasOwn(command.options, name))),
    ),
    "",
    "Examples:",
    ...command.examples.map((line) => `  ${line}`),
  ].join("\n");
}

function grouped(verbs: readonly string[]): readonly (readonly [title: string, verbs: readonly string[]])[] {
  const known = groups.map(([title, listed]) => [title, listed.filter((verb) => verbs.includes(verb))] as const);
  const others = verbs.filter((verb) => !groups.some(([, listed]) => listed.includes(verb)));
  return [...known, ["Others", others] as const].filter(([, listed]) => listed.length > 0);
}

function optionLines(specs: OptionSpecs): string[] {
  const shown = Object.entries(specs).filter(([, spec]) => spec.hidden !== true);
  const heads = shown.map(([name, spec]) => {
    const flag = `${spec.short === undefined ? "" : `-${spec.short}, `}--${name}`;
    if (spec.type !== "string") return flag;
    const choices = isManyChoices(name, spec) ? undefined : spec.choices?.join("|");
    return `${flag} ${choices ?? spec.value ?? "VALUE"}`;
  });
  const width = Math.min(26, Math.max(0, ...heads.map((head) => head.length)));
  return shown.flatMap(([name, spec], at) => {
    const head = heads[at] ?? "";
    const also = spec.aliases === undefined ? "" : ` (also ${spec.aliases.map((a) => `--${a}`).join(", ")})`;
    const [first = "", ...rest] = wrap(
      `${spec.summary}${also}${isManyChoices(name, spec) ? `: ${spec.choices?.join(", ")}` : ""}`,
      76 - width,
    );
    const lines =
      head.length > width ? [`  ${head}`, `  ${" ".repeat(width)}  ${first}`] : [`  ${head.padEnd(width)}  ${first}`];
    return [...lines, ...rest.map((line) => `  ${" ".repeat(width)}  ${line}`)];
  });
}

/** Whether the choices would not fit on a line. */
function isManyChoices(name: string, { choices }: OptionSpecs[string]): boolean {
  return choices !== undefined && name.length + choices.join("|").length > 72;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
