import type { Command, OptionSpecs } from "./command.ts";
import { globalOptions } from "./global-options.ts";

/** The summary of all verbs, grouped as an operator looks for them. */
export function programHelp(summaries: readonly { readonly verb: string; readonly summary: string }[]): string {
  const width = Math.max(...summaries.map(({ verb }) => verb.length));
  return [
    "pgrescue: the 3 AM console for PostgreSQL",
    "",
    "Usage: pgrescue [COMMAND] [OPTIONS]     without a command: the console",
    "",
    "Commands:",
    ...summaries.map(({ verb, summary }) => `  ${verb.padEnd(width)}  ${summary}`),
    "",
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
    `pgrescue ${command.usage}`,
    "",
    command.description ?? `${capital(command.summary)}.`,
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

function optionLines(specs: OptionSpecs): string[] {
  const shown = Object.entries(specs).filter(([, spec]) => spec.hidden !== true);
  const heads = shown.map(
    ([name, spec]) =>
      `${spec.short === undefined ? "" : `-${spec.short}, `}--${name}${spec.type === "string" ? ` ${spec.choices?.join("|") ?? spec.value ?? "VALUE"}` : ""}`,
  );
  const width = Math.min(26, Math.max(0, ...heads.map((head) => head.length)));
  return shown.flatMap(([, spec], at) => {
    const head = heads[at] ?? "";
    const also = spec.aliases === undefined ? "" : ` (also ${spec.aliases.map((a) => `--${a}`).join(", ")})`;
    const [first = "", ...rest] = wrap(`${spec.summary}${also}`, 76 - width);
    const lines =
      head.length > width ? [`  ${head}`, `  ${" ".repeat(width)}  ${first}`] : [`  ${head.padEnd(width)}  ${first}`];
    return [...lines, ...rest.map((line) => `  ${" ".repeat(width)}  ${line}`)];
  });
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
