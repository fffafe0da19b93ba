import type { RunEvent } from "../../domain/run/events.ts";
import { reduce } from "../../domain/run/reduce.ts";
import { emptyRun, type RunState } from "../../domain/run/state.ts";
import { drawTasks, type Attention } from "./tasks.ts";
import { createSpeaker } from "../speaker.ts";

export interface HeadlessOptions {
  /** The human log. A terminal gets a live list, anything else lines with timestamps. */
  readonly stderr: NodeJS.WriteStream;
  /** Say something only when there is trouble. */
  readonly isQuiet: boolean;
  /** Lines even on a terminal (TERM=dumb, --plain). */
  readonly isPlain?: boolean;
  /** Somebody at the terminal, who may be busy with something else or leave. */
  readonly attention?: Attention;
}

/** Shows a run as it goes and gives its state at the end. Never asks; a question is shown with the flag that answers it. */
export async function showHeadless(events: AsyncIterable<RunEvent>, options: HeadlessOptions): Promise<RunState> {
  const isLive = options.stderr.isTTY && !options.isQuiet && options.isPlain !== true;
  if (isLive) return await drawTasks(events, options.stderr, options.attention);
  const speak = createSpeaker((line) => void options.stderr.write(`${line}\n`), {
    isQuiet: options.isQuiet,
    hasTime: true,
    apartShare: 0.05,
  });
  let state = emptyRun;
  for await (const event of events) {
    state = reduce(state, event);
    speak(event, state);
  }
  // A run whose runner died has no last event that could tell the end.
  if (state.outcome === null && options.attention?.hasLeft() !== true) speak(null, state);
  return state;
}
