import { input } from "@inquirer/prompts";
import { Interrupted, type Prompter } from "./prompter.ts";

/** A prompter over a terminal, with @inquirer/prompts' input line. */
export function createPrompter(stdin: NodeJS.ReadableStream, stdout: NodeJS.WritableStream): Prompter {
  return {
    say: (line) => void stdout.write(`${line}\n`),
    ask: async (message, signal) => {
      try {
        return await input(
          { message, theme: { prefix: "" } },
          { input: stdin, output: stdout, ...(signal === undefined ? {} : { signal }) },
        );
      } catch (error) {
        throw new Interrupted("the question was not answered", { cause: error });
      }
    },
    onInterrupt: (listener) => {
      process.on("SIGINT", listener);
      return () => void process.off("SIGINT", listener);
    },
  };
}
