import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { parseConfig } from "../../src/adapters/config/load.ts";
import { configSchema } from "../../src/adapters/config/schema.ts";
import type { Command } from "../../src/cli/command.ts";
import { globalOptions } from "../../src/cli/global-options.ts";
import { optionsOf, parseArguments } from "../../src/cli/parse.ts";
import { commands, findCommand } from "../../src/cli/registry.ts";
import { errorKinds } from "../../src/domain/errors.ts";

const root = resolve(import.meta.dirname, "..", "..");
const names = ["README.md", "src/README.md", ...globSync("docs/*.md", { cwd: root })];
const documents = names.map((name) => ({ name, text: readFileSync(join(root, name), "utf8") }));
const readme = textOf("README.md");

function textOf(name: string): string {
  return documents.find((document) => document.name === name)?.text ?? "";
}

/** The contents of fenced blocks of a language ("" for those without one). */
function blocks(text: string, language: string): readonly string[] {
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, of, body]) =>
    of === language ? [body ?? ""] : [],
  );
}

/** Inline code, tables included. */
function inline(text: string): readonly string[] {
  return [...text.replaceAll(/^```[\s\S]*?^```$/gm, "").matchAll(/`([^`\n]+)`/g)].map(([, code]) => code ?? "");
}

/** Rows of tables whose first header is one of these: the cells of each. */
function rows(text: string, header: string): readonly (readonly string[])[] {
  const lines = text.split("\n");
  return lines.flatMap((line, at) => {
    if (line.split("|")[1]?.trim() !== header || line.split("|")[0] !== "") return [];
    const end = lines.findIndex((other, index) => index > at && !other.startsWith("|"));
    return lines.slice(at + 2, end).map((row) =>
      row
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  });
}

/** The words of a documented command line after `pgrescue`, as a shell would split them; null when it is no call of ours. */
function wordsOf(line: string): readonly string[] | null {
  const called =
    /^(?:exec )?(?:sudo -u \w+ )?(?:ExecStart=\S*\/)?pgrescue(?: (.*))?$/.exec(line.trim()) ??
    /^[\d* /]+ postgres +pgrescue(?: (.*))?$/.exec(line.trim());
  if (called === null) return null;
  const command = (called[1] ?? "").replace(/ +#.*$/, "").split(/ [|>] /)[0] ?? "";
  return [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? "",
  );
}

/** Every command line of the documentation, and of the help's own examples. */
const documented = documents.flatMap(({ name, text }) =>
  [...blocks(text, "sh"), ...blocks(text, "ini"), ...blocks(text, "")]
    .flatMap((block) => block.split("\n"))
    .concat(inline(text))
    .flatMap((line) => {
      const words = wordsOf(line);
      return words === null ? [] : [{ name, line: line.trim(), words }];
    }),
);

const all: readonly (readonly [string, Command])[] = await Promise.all(
  Object.keys(commands).map(async (verb) => [verb, await required(verb)] as const),
);

async function required(verb: string): Promise<Command> {
  const command = await findCommand(verb);
  if (command === null) throw new Error(`no command ${verb}`);
  return command;
}

test("every documented command line is one that the program understands", async () => {
  expect(documented.length).toBeGreaterThan(50);
  for (const { name, line, words } of documented) {
    const [first = "console", ...rest] = words;
    // A table's `pgrescue COMMAND --help` stands for all of them.
    if (first === "COMMAND") continue;
    const verb = first.startsWith("-") ? "console" : first;
    const command = await findCommand(verb);
    expect([name, line, command === null ? "unknown" : "known"]).toEqual([name, line, "known"]);
    if (command === null) continue;
    // A bare name of a command in running text need not have its arguments.
    const call = rest.length === 0 ? ["--help"] : first.startsWith("-") ? words : rest;
    expect(() => parseArguments(verb, command, call), `${name}: ${line}`).not.toThrow();
  }
});

test("every example in a command's help is one that the program understands", async () => {
  for (const [, command] of all) {
    for (const example of command.hidden === true ? [] : command.examples) {
      const [first = "console", ...rest] = wordsOf(example) ?? [];
      const verb = first.startsWith("-") ? "console" : first;
      const known = await required(verb);
      expect(() => parseArguments(verb, known, first.startsWith("-") ? [first, ...rest] : rest), example).not.toThrow();
    }
  }
});

test("every command stands in the README's table, and no other", () => {
  const told = rows(readme, "command").flatMap(([cell = ""]) =>
    inline(cell).flatMap((code) => code.split(" ")[1] ?? []),
  );
  const visible = all.flatMap(([verb, command]) => (command.hidden === true ? [] : [verb]));
  expect(told.toSorted()).toEqual(visible.toSorted());
});

test("every option that is named in running text exists", () => {
  const known = new Set(
    [{ options: globalOptions }, ...all.map(([, command]) => command)].flatMap((command) =>
      Object.entries(optionsOf(command)).flatMap(([name, spec]) => [name, ...(spec.aliases ?? [])]),
    ),
  );
  // Options of other programs, as the documents show them.
  const foreign = new Set(["auto"]);
  const bench = readFileSync(join(root, "bench", "run.ts"), "utf8");
  for (const { name, text } of documents) {
    for (const code of inline(text)) {
      const option = /^--([a-z-]+)(?:[ =].*)?$/.exec(code)?.[1];
      if (option === undefined || foreign.has(option)) continue;
      const isThere = name === "docs/performance.md" ? bench.includes(`--${option}`) : known.has(option);
      expect([name, code, isThere]).toEqual([name, code, true]);
    }
  }
});

test("the README's exit codes are those of the program", () => {
  const told = rows(readme, "exit code").flatMap(([code = "", kinds = ""]) =>
    inline(kinds).map((kind) => [kind, Number(code)] as const),
  );
  expect(Object.fromEntries(told)).toEqual(
    Object.fromEntries(Object.entries(errorKinds).map(([kind, { exit }]) => [kind, exit])),
  );
  const codes = rows(readme, "exit code").map(([code]) => Number(code));
  expect(codes.filter((code) => !Object.values(errorKinds).some(({ exit }) => exit === code))).toEqual([0, 3, 143]);
});

test("every key of the configuration is documented, and no other", () => {
  const told = rows(textOf("docs/configuration.md"), "key").flatMap(([cell = ""]) => inline(cell));
  const known = leafKeys(z.toJSONSchema(configSchema, { io: "input" }), "");
  expect([...new Set(told)].toSorted()).toEqual([...new Set(known)].toSorted());
});

interface JsonSchema {
  readonly properties?: { readonly [key: string]: JsonSchema };
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
}

/** The paths of all values: `clusters.<name>.checks[].sql`. Commands, arrays of one command's arguments, are values. */
function leafKeys(given: unknown, path: string): readonly string[] {
  const schema = given as JsonSchema;
  const below = (key: string): string => (path === "" ? key : `${path}.${key}`);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return choices.flatMap((choice) => leafKeys(choice, path));
  if (schema.properties !== undefined)
    return Object.entries(schema.properties).flatMap(([key, inner]) => leafKeys(inner, below(key)));
  if (typeof schema.additionalProperties === "object") return leafKeys(schema.additionalProperties, below("<name>"));
  const isCommand = /(hooks|control)\.|smoke$|Command$/.test(path);
  if (schema.items !== undefined && !isCommand) return leafKeys(schema.items, `${path}[]`);
  return [path];
}

test("the documented configuration is one that is understood", () => {
  const examples = documents.flatMap(({ text }) => blocks(text, "yaml"));
  expect(examples.length).toBeGreaterThan(0);
  for (const example of examples) expect(() => parseConfig(example, "documentation")).not.toThrow();
});

test("every schema and variable that is documented stands in the source", () => {
  const sources = globSync("{src,test/support,scripts}/**/*.{ts,tsx}", { cwd: root })
    .map((name) => readFileSync(join(root, name), "utf8"))
    .join("\n");
  for (const { name, text } of documents) {
    for (const [word] of text.matchAll(/\bpgrescue\.[a-z-]+\/v1\b|\bPGRESCUE_[A-Z_]+\b/g))
      expect([name, word, sources.includes(word)]).toEqual([name, word, true]);
  }
});

test("every link between documents leads somewhere", () => {
  for (const { name, text } of documents) {
    for (const [, to = ""] of text.matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g)) {
      const place = join(root, dirname(name), to);
      expect([name, relative(root, place), existsSync(place)]).toEqual([name, relative(root, place), true]);
    }
  }
});
