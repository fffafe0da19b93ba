import { messageOf } from "../../domain/errors.ts";
import type { RunEvent } from "../../domain/run/events.ts";
import { showHeadless } from "../../faces/headless/headless.ts";
import type { Arguments, Terminal } from "../command.ts";
import { askAlong } from "./ask-along.ts";
import { askOnInterrupt } from "./ask-on-interrupt.ts";
import type { AttachedRun } from "./attach-run.ts";
import { createKeyboard, type Keyboard } from "./keyboard.ts";

/**
 * Shows a run line by line at a terminal, puts its questions, and on Ctrl-C asks what was meant. SIGTERM and a closed
 * terminal end only this viewer: the work is the runner's. Gives the run's exit code, 0 when it was left at work.
 */
export async function showAsking(run: AttachedRun, args: Arguments, terminal: Terminal): Promise<number> {
  const left = Promise.withResolvers<null>();
  const leaving = new AbortController();
  const leave = (): void => {
    left.resolve(null);
    leaving.abort();
  };
  const keyboard = createKeyboard(terminal, () => interrupt(), leaving.signal);
  const interrupt = createInterrupt(run, terminal, keyboard, leave);
  process.on("SIGINT", interrupt).on("SIGTERM", leave).on("SIGHUP", leave);
  try {
    const events = askAlong(untilLeft(run.events, leaving.signal), run, terminal, keyboard, leaving.signal);
    const shown = showHeadless(events, { stderr: terminal.stderr, isQuiet: args.flag("quiet"), isPlain: true });
    const state = await Promise.race([shown, left.promise]);
    if (state !== null) return state.outcome?.exitCode ?? 40;
    terminal.log(`${run.id} goes on without this window; join it with \`pgrescue attach ${run.id}\`.`);
    return 0;
  } finally {
    process.off("SIGINT", interrupt).off("SIGTERM", leave).off("SIGHUP", leave);
    run.close();
  }
}

/** Once somebody has left, the end of the connection is not the end of the run: nothing more is said. */
async function* untilLeft(events: AsyncIterable<RunEvent>, left: AbortSignal): AsyncGenerator<RunEvent> {
  for await (const event of events) yield event;
  if (left.aborted) await new Promise<never>(() => undefined);
}

/** What Ctrl-C does: the first asks, one while it asks leaves. */
function createInterrupt(run: AttachedRun, terminal: Terminal, keyboard: Keyboard, leave: () => void): () => void {
  let isAsking = false;
  async function obey(): Promise<void> {
    isAsking = true;
    const choice = await askOnInterrupt(run, terminal, keyboard);
    isAsking = false;
    if (choice === "leave") leave();
    else if (choice !== "stay") await run[choice]();
  }
  return () => {
    if (isAsking || !run.isLive) leave();
    else void obey().catch((error: unknown) => terminal.log(messageOf(error)));
  };
}
