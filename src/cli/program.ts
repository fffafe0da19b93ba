import { PgrescueError } from "../domain/errors.ts";
import { nearest } from "../domain/nearest.ts";
import { commands, findCommand } from "./registry.ts";
import { catchAll, runCommand } from "./run-command.ts";
import { processTerminal } from "./terminal.ts";
import type { Terminal } from "./command.ts";

/** Runs any command line (without node and script) and gives its exit code. Nothing is thrown. */
export async function runProgram(words: readonly string[]): Promise<number> {
  const terminal = processTerminal();
  return await catchAll(words, terminal, () => runWords(words, terminal));
}

async function runWords(words: readonly string[], terminal: Terminal): Promise<number> {
  const [first = "", ...rest] = words;
  if (first === "--version" || first === "-V" || first === "version") {
    terminal.print(`pgrescue ${(await import("./version.ts")).version}`);
    return 0;
  }
  if (first === "help" || first === "--help" || first === "-h") {
    const verb = rest[0];
    if (verb !== undefined && !verb.startsWith("-")) return await runWords([verb, "--help"], terminal);
    return await showHelp(terminal);
  }
  const isVerb = first !== "" && !first.startsWith("-");
  const verb = isVerb ? first : "console";
  const command = await findCommand(verb);
  if (command === null) throw unknownCommand(verb);
  return await runCommand(verb, command, isVerb ? rest : words, terminal);
}

async function showHelp(terminal: Terminal): Promise<number> {
  const { programHelp } = await import("./help.ts");
  const all = await Promise.all(
    Object.keys(commands).map(async (verb) => ({ verb, command: await findCommand(verb) })),
  );
  terminal.print(
    programHelp(
      all.flatMap(({ verb, command }) =>
        command === null || command.hidden === true ? [] : [{ verb, summary: command.summary }],
      ),
    ),
  );
  return 0;
}

function unknownCommand(verb: string): PgrescueError {
  const close = nearest(verb, Object.keys(commands));
  return new PgrescueError("usage", `unknown command ${verb}${close === null ? "" : `; did you mean ${close}?`}`, {
    next: "Run `pgrescue help` for the list of commands.",
  });
}
