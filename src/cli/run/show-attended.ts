import { showHeadless } from "../../faces/headless/headless.ts";
import { createInterrupt } from "../../faces/lines/decide.ts";
import { createPrompter } from "../../faces/lines/terminal-prompter.ts";
import type { Arguments, Terminal } from "../command.ts";
import type { AttachedRun } from "./attach-run.ts";

/**
 * Draws a run that asks nothing as a list for somebody at a terminal; on Ctrl-C asks what was meant. SIGTERM stops the
 * work, to be continued. Gives the run's exit code, 0 when it was left at work.
 */
export async function showAttended(run: AttachedRun, args: Arguments, terminal: Terminal): Promise<number> {
  const prompter = createPrompter(terminal.stdin, terminal.stdout);
  const over = new AbortController();
  let hasLeft = false;
  const leave = (): void => {
    hasLeft = true;
    run.close();
  };
  const interrupt = createInterrupt(run, prompter, { leave, over: over.signal });
  const release = prompter.onInterrupt(() => void interrupt.press());
  const stop = (): void => void run.interrupt("SIGTERM").catch(() => undefined);
  process.on("SIGTERM", stop);
  try {
    const state = await showHeadless(run.events, {
      stderr: terminal.stderr,
      isQuiet: args.flag("quiet"),
      attention: { isBusy: () => interrupt.isAsking() || hasLeft, hasLeft: () => hasLeft },
    });
    if (!hasLeft) return state.outcome?.exitCode ?? 40;
    prompter.say(`${run.id} goes on without this window; join it with \`pgrescue attach ${run.id}\`.`);
    return 0;
  } finally {
    over.abort();
    release();
    process.off("SIGTERM", stop);
    run.close();
  }
}
