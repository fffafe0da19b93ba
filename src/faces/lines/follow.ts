import { messageOf } from "../../domain/errors.ts";
import type { Question } from "../../domain/question.ts";
import type { RunEvent } from "../../domain/run/events.ts";
import { reduce } from "../../domain/run/reduce.ts";
import { emptyRun, type RunState } from "../../domain/run/state.ts";
import type { RunHandle } from "../run-handle.ts";
import { createSpeaker } from "../speaker.ts";
import { createInterrupt } from "./decide.ts";
import { putQuestion } from "./put-question.ts";
import { Interrupted, type Prompter } from "./prompter.ts";

/** A question that was answered long ago is followed at once by its answer: it is not put before this time. */
const settleMilliseconds = 200;

/**
 * Says a run line by line, puts its questions, and gives its state at the end; null when the operator left it at work.
 * Ctrl-C asks what was meant; a second one leaves. `isQuiet`: only trouble is said, and the questions.
 */
export async function followRun(
  handle: RunHandle,
  prompter: Prompter,
  { isQuiet }: { readonly isQuiet: boolean } = { isQuiet: false },
): Promise<RunState | null> {
  const speak = createSpeaker((line) => prompter.say(line), { isQuiet, hasTime: false, apartShare: null });
  const left = Promise.withResolvers<null>();
  const over = new AbortController();
  const inTurn = oneAtATime();
  let asking: { readonly id: string; readonly taken: AbortController } | null = null;
  const put = (question: Question): void => {
    takeBack();
    const taken = new AbortController();
    asking = { id: question.id, taken };
    setTimeout(() => void listen(question, taken.signal), settleMilliseconds);
  };
  const listen = async (question: Question, signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      try {
        const value = await inTurn(signal, () => putQuestion(question, prompter, signal));
        if (value !== null) await handle.answer(question.id, value);
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Interrupted) await interrupt.press();
        else prompter.say(messageOf(error));
      }
    }
  };
  const takeBack = (): void => {
    asking?.taken.abort();
    asking = null;
  };
  const interrupt = createInterrupt(handle, prompter, { leave: () => left.resolve(null), over: over.signal, inTurn });
  const release = prompter.onInterrupt(() => void interrupt.press());
  const read = async (): Promise<RunState> => {
    let state = emptyRun;
    for await (const event of handle.events) {
      // Whoever has left is told nothing more; the end of the connection is not the end of the run.
      if (over.signal.aborted) break;
      state = reduce(state, event);
      speak(event, state);
      if (event.event === "asked" && handle.isLive) put(event.question);
      if (isSettling(event, asking?.id)) takeBack();
    }
    if (state.outcome === null && !over.signal.aborted) speak(null, state);
    return state;
  };
  try {
    return await Promise.race([read(), left.promise]);
  } finally {
    over.abort();
    release();
    takeBack();
    handle.close();
  }
}

function isSettling(event: RunEvent, open: string | undefined): boolean {
  return event.event === "ended" || (event.event === "answered" && event.question === open);
}

/** Prompts share one keyboard: what is typed for one must not answer another. A prompt taken back before its turn gives null. */
function oneAtATime(): <T>(signal: AbortSignal, prompt: () => Promise<T>) => Promise<T | null> {
  let last: Promise<unknown> = Promise.resolve();
  return (signal, prompt) => {
    const mine = last.then(() => (signal.aborted ? null : prompt()));
    last = mine.catch(() => undefined);
    return mine;
  };
}
