import { PgrescueError } from "../domain/errors.ts";
import type { Command, Terminal } from "./command.ts";
import { failureDocument, failureLines } from "./failure.ts";
import { parseArguments } from "./parse.ts";

/** Runs one verb with the words after it, or shows its help, and gives the exit code. Throws what the command throws. */
export async function runCommand(
  verb: string,
  command: Command,
  words: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const args = parseArguments(verb, command, words);
  if (args.flag("help")) {
    const { commandHelp } = await import("./help.ts");
    terminal.print(commandHelp(command));
    return 0;
  }
  return await command.run(args, terminal);
}

/** Runs something that gives an exit code; shows what it throws in four parts, as JSON too where that was asked for. */
export async function catchAll(
  words: readonly string[],
  terminal: Terminal,
  run: () => Promise<number>,
): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (words.includes("--json") || words.includes("--jsonl")) terminal.print(JSON.stringify(failureDocument(error)));
    for (const line of failureLines(error)) terminal.log(line);
    // Raw as restore_command, anything but 0 and proven absence must stop recovery: above 125.
    if (words[0] === "wal-fetch") return 255;
    return error instanceof PgrescueError ? error.exitCode : 1;
  }
}
