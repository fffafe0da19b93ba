import { input } from "@inquirer/prompts";
import { Interrupted, type Prompter } from "./prompter.ts";

/** A prompter over a terminal, with @inquirer/prompts' input line. */
export function createPrompter(stdin: NodeJS.ReadableStream, stdout: NodeJS.WritableStream): Prompter {
  return {
    say: (line) => void stdout.write(`${line}\n`),
    ask: async (message, signal) => {
      const ended = new AbortController();
      // The prompt would close on Ctrl-D without an answer and without a word.
      const press = (_text: unknown, key: { readonly name?: string; readonly ctrl?: boolean }): void => {
        if (key.ctrl === true && key.name === "d") ended.abort();
      };
      stdin.on("keypress", press);
      try {
        return await input(
          { message, theme: { prefix: "" } },
          {
            input: stdin,
            output: stdout,
            signal: signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]),
          },
        );
      } catch (error) {
        throw new Interrupted("the question was not answered", { cause: error });
      } finally {
        stdin.off("keypress", press);
      }
    },
    onInterrupt: (listener) => {
      process.on("SIGINT", listener);
      return () => void process.off("SIGINT", listener);
    },
  };
}
