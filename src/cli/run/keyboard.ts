import { createInterface } from "node:readline/promises";
import type { Terminal } from "../command.ts";

/** One line at a time from the person at the terminal; several questions wait for each other. */
export interface Keyboard {
  /**
   * The line that was typed, trimmed; null when Ctrl-C was pressed, the input ended, or the signal aborted. Prompts go to
   * stderr, for stdout is the answer.
   */
  line(hint: string, signal?: AbortSignal): Promise<string | null>;
}

/**
 * The terminal's keyboard. `onInterrupt` is called when Ctrl-C or Ctrl-D is pressed at a prompt, before anything else may
 * ask; `left` closes every prompt for good.
 */
export function createKeyboard(terminal: Terminal, onInterrupt: () => void, left: AbortSignal): Keyboard {
  let last: Promise<unknown> = Promise.resolve();

  async function read(hint: string, signal: AbortSignal): Promise<string | null> {
    if (signal.aborted) return null;
    const prompt = createInterface({ input: terminal.stdin, output: terminal.stderr });
    let isOver = false;
    const ended = new Promise<null>((done) => {
      const interrupted = (): void => {
        if (!isOver && !signal.aborted) onInterrupt();
        done(null);
      };
      prompt.once("SIGINT", interrupted).once("close", interrupted);
    });
    try {
      const typed = prompt.question(hint, { signal }).then(
        (line) => line.trim(),
        () => null,
      );
      return await Promise.race([typed, ended]);
    } finally {
      isOver = true;
      prompt.close();
    }
  }

  return {
    line: (hint, signal) => {
      const any = signal === undefined ? left : AbortSignal.any([signal, left]);
      const mine = last.then(() => read(hint, any));
      last = mine.catch(() => undefined);
      return mine;
    },
  };
}
