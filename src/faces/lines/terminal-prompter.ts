import { createInterface, type Interface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { Interrupted, type Prompter } from "./prompter.ts";

/** Milliseconds in which what was typed before the question arrives, to be dropped. */
const staleMilliseconds = 20;

/** Where lines come from: a terminal, or anything that can be read. */
interface Input extends NodeJS.ReadableStream {
  readonly isTTY?: boolean;
  setRawMode?(isRaw: boolean): unknown;
}

/**
 * A prompter over a terminal. Typing adds characters and redraws nothing: screen readers would read, and TERM=dumb would
 * print, the whole question again with each key. What was typed before a question stood there is no answer to it.
 */
export function createPrompter(stdin: Input, stdout: NodeJS.WritableStream): Prompter {
  let open: { readonly prompt: Interface; readonly question: string } | null = null;
  return {
    say: (line) => {
      if (open === null) stdout.write(`${line}\n`);
      else stdout.write(`\n${line}\n${open.question}${open.prompt.line}`);
    },
    ask: async (message, signal) => {
      await dropTyped(stdin);
      if (signal?.aborted === true || !stdin.readable) throw new Interrupted("nobody answers this question");
      const question = `${message} `;
      const prompt = createInterface({ input: stdin, output: stdout, prompt: question, historySize: 0 });
      open = { prompt, question };
      try {
        return await answer(prompt, signal);
      } finally {
        open = null;
        prompt.close();
      }
    },
    onInterrupt: (listener) => {
      process.on("SIGINT", listener);
      return () => void process.off("SIGINT", listener);
    },
  };

  async function answer(prompt: Interface, signal: AbortSignal | undefined): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const interrupt = (): void => {
      stdout.write("\n");
      reject(new Interrupted("the question was not answered"));
    };
    // The line ends with Enter, Ctrl-C, Ctrl-D, or because somebody else answered.
    prompt.once("line", resolve).once("SIGINT", interrupt).once("close", interrupt);
    signal?.addEventListener("abort", interrupt);
    try {
      prompt.prompt();
      return await promise;
    } finally {
      prompt.off("SIGINT", interrupt).off("close", interrupt);
      signal?.removeEventListener("abort", interrupt);
    }
  }
}

async function dropTyped(stdin: Input): Promise<void> {
  if (stdin.isTTY !== true) return;
  const drop = (): void => undefined;
  // Raw, or a line without its end would arrive only after Enter.
  stdin.setRawMode?.(true);
  stdin.on("data", drop);
  await delay(staleMilliseconds);
  stdin.off("data", drop);
}
