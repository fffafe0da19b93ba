import { enableCompileCache } from "node:module";
import { isAbsolute, join } from "node:path";
import { PgrescueError } from "./domain/errors.ts";
import { nearest } from "./domain/nearest.ts";
import { failureDocument, failureLines } from "./cli/failure.ts";
import { parseArguments } from "./cli/parse.ts";
import { commands, findCommand } from "./cli/registry.ts";
import { processTerminal } from "./cli/terminal.ts";

/** Runs one command line (without node and script) and gives its exit code. The only place that catches everything. */
export async function main(words: readonly string[]): Promise<number> {
  cacheCompiledCode();
  const terminal = processTerminal();
  try {
    const [first = "", ...rest] = words;
    if (first === "--version" || first === "-V" || first === "version") {
      terminal.print(`pgrescue ${(await import("./cli/version.ts")).version}`);
      return 0;
    }
    if (first === "help" || first === "--help" || first === "-h") {
      const verb = rest[0];
      return verb === undefined || verb.startsWith("-") ? await showHelp() : await main([verb, "--help"]);
    }
    const isVerb = first !== "" && !first.startsWith("-");
    const verb = isVerb ? first : "console";
    const command = await findCommand(verb);
    if (command === null) throw unknownCommand(verb);
    const args = parseArguments(verb, command, isVerb ? rest : words);
    if (args.flag("help")) {
      const { commandHelp } = await import("./cli/help.ts");
      terminal.print(commandHelp(command));
      return 0;
    }
    return await command.run(args, terminal);
  } catch (error) {
    if (words.includes("--json") || words.includes("--jsonl")) terminal.print(JSON.stringify(failureDocument(error)));
    for (const line of failureLines(error)) terminal.log(line);
    // Raw as restore_command, anything but 0 and proven absence must stop recovery: above 125.
    if (words[0] === "wal-fetch") return 255;
    return error instanceof PgrescueError ? error.exitCode : 1;
  }

  async function showHelp(): Promise<number> {
    const { programHelp } = await import("./cli/help.ts");
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
}

/**
 * In a directory of ours alone: Node's own default is one in /tmp that any user could fill with bytecode for us to run.
 * Without a writable home nothing is kept, and nothing else changes.
 */
function cacheCompiledCode(): void {
  const { HOME: home, XDG_CACHE_HOME: cache = home === undefined ? undefined : join(home, ".cache") } = process.env;
  if (cache !== undefined && isAbsolute(cache)) enableCompileCache(join(cache, "pgrescue", "compile"));
}

function unknownCommand(verb: string): PgrescueError {
  const close = nearest(verb, Object.keys(commands));
  return new PgrescueError("usage", `unknown command ${verb}${close === null ? "" : `; did you mean ${close}?`}`, {
    next: "Run `pgrescue help` for the list of commands.",
  });
}
