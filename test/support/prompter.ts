import { Interrupted, type Prompter } from "../../src/faces/lines/prompter.ts";

/** A person at a plain terminal: answers in order, `^C` presses Ctrl-C; when nothing is left the terminal is closed. */
export interface ScriptedPrompter extends Prompter {
  /** What was said and asked, and the answers behind `> `. */
  readonly lines: readonly string[];
  interrupt(): void;
}

export function scriptedPrompter(answers: readonly string[]): ScriptedPrompter {
  const lines: string[] = [];
  const rest = [...answers];
  const listeners = new Set<() => void>();
  return {
    lines,
    say: (line) => void lines.push(line),
    ask: async (question, signal) => {
      const answer = rest.shift();
      lines.push(`${question} > ${answer ?? "(closed)"}`);
      await Promise.resolve();
      if (answer === undefined && signal !== undefined)
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      if (answer === undefined || answer === "^C") throw new Interrupted("no answer");
      return answer;
    },
    onInterrupt: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    interrupt: () => {
      for (const listener of listeners) listener();
    },
  };
}
