import { parseArgs } from "node:util";
import { PgrescueError } from "../domain/errors.ts";
import { nearest } from "../domain/nearest.ts";
import type { Arguments, Command, OptionSpecs } from "./command.ts";
import { globalOptions } from "./global-options.ts";

/** Every option a command understands, global ones included; the command's own win. */
export function optionsOf(command: Pick<Command, "options">): OptionSpecs {
  return { ...globalOptions, ...command.options };
}

/** Reads the words after the verb. Throws `usage` naming the bad word, and the nearest option where one is near. */
export function parseArguments(verb: string, command: Command, words: readonly string[]): Arguments {
  const specs = optionsOf(command);
  const aliases = new Map(
    Object.entries(specs).flatMap(([name, spec]) => (spec.aliases ?? []).map((alias) => [alias, name] as const)),
  );
  const spelled = words.map((word, at) =>
    words.indexOf("--") !== -1 && at > words.indexOf("--") ? word : withoutAlias(word, aliases),
  );
  const { tokens } = parseArgs({
    args: [...spelled],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(
      Object.entries(specs).map(([name, { type, short }]) => [
        name,
        { type, multiple: true, ...(short === undefined ? {} : { short }) },
      ]),
    ),
  });
  const values = new Map<string, string[]>();
  const flags = new Set<string>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const spec = Object.hasOwn(specs, token.name) ? specs[token.name] : undefined;
    if (spec === undefined) throw unknownOption(verb, token.rawName, Object.keys(specs));
    if (spec.type === "boolean") {
      if (token.value !== undefined) throw usage(verb, `option --${token.name} takes no value`);
      flags.add(token.name);
      continue;
    }
    if (token.value === undefined || (!token.inlineValue && token.value.startsWith("--")))
      throw usage(verb, `option --${token.name} needs a value (${spec.value ?? "VALUE"})`);
    const before = values.get(token.name) ?? [];
    if (before.length > 0 && spec.multiple !== true) throw usage(verb, `option --${token.name} is given twice`);
    if (spec.choices !== undefined && !spec.choices.includes(token.value))
      throw usage(verb, `option --${token.name} is ${spec.choices.join(" or ")}, not ${token.value}`);
    values.set(token.name, [...before, token.value]);
  }
  const { min, max } = command.positionals ?? { min: 0, max: 0 };
  if (!flags.has("help")) {
    if (positionals.length < min) throw usage(verb, `too few arguments: ${command.usage}`);
    if (positionals.length > max) throw usage(verb, `unexpected argument ${positionals[max]}: ${command.usage}`);
  }
  return {
    positionals,
    words,
    string: (name) => values.get(name)?.[0],
    strings: (name) => values.get(name) ?? [],
    flag: (name) => flags.has(name),
  };
}

function withoutAlias(word: string, aliases: ReadonlyMap<string, string>): string {
  const m = /^--([^=]+)(=.*)?$/s.exec(word);
  const name = m === null ? undefined : aliases.get(m[1] ?? "");
  return name === undefined ? word : `--${name}${m?.[2] ?? ""}`;
}

function unknownOption(verb: string, raw: string, known: readonly string[]): PgrescueError {
  const close = nearest(raw.replace(/^-+/, ""), known);
  return usage(verb, `unknown option ${raw}${close === null ? "" : `; did you mean --${close}?`}`);
}

function usage(verb: string, message: string): PgrescueError {
  return new PgrescueError("usage", message, { next: `Run \`pgrescue ${verb} --help\` for its options and examples.` });
}
