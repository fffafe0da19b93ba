import { catchAll, runCommand } from "./run-command.ts";
import { processTerminal } from "./terminal.ts";
import { command } from "./wal-fetch.ts";

/** The whole program of `pgrescue wal-fetch`, bundled on its own. `words` begin with the verb. */
export async function run(words: readonly string[]): Promise<number> {
  const terminal = processTerminal();
  return await catchAll(words, terminal, () => runCommand("wal-fetch", command, words.slice(1), terminal));
}
