import { messageOf } from "../../domain/errors.ts";
import type { Question } from "../../domain/question.ts";
import type { RunEvent } from "../../domain/run/events.ts";
import { reduce } from "../../domain/run/reduce.ts";
import { emptyRun, type RunState } from "../../domain/run/state.ts";
import type { RunHandle } from "../run-handle.ts";
import { createSpeaker } from "../speaker.ts";
import { putQuestion } from "./put-question.ts";
import { chooseFrom, Interrupted, type Prompter } from "./prompter.ts";

/** A question that was answered long ago is followed at once by its answer: it is not put before this time. */
const settleMilliseconds = 200;

/**
 * Says a run line by line, puts its questions, and gives its state at the end; null when the operator left it at work.
 * Ctrl-C asks what was meant; a second one leaves.
 */
export async function followRun(handle: RunHandle, prompter: Prompter): Promise<RunState | null> {
  const speak = createSpeaker((line) => prompter.say(line), {
    isQuiet: false,
    hasTime: false,
    apartShare: null,
  });
  const left = Promise.withResolvers<null>();
  let asking: { readonly id: string; readonly taken: AbortController } | null = null;
  const put = (question: Question): void => {
    const taken = new AbortController();
    asking = { id: question.id, taken };
    setTimeout(() => {
      if (!taken.signal.aborted) void listen(question, taken.signal);
    }, settleMilliseconds);
  };
  const listen = async (question: Question, signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      try {
        await handle.answer(question.id, await putQuestion(question, prompter, signal));
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Interrupted) await interrupted();
        else prompter.say(messageOf(error));
      }
    }
  };
  const takeBack = (): void => {
    asking?.taken.abort();
    asking = null;
  };
  let isDeciding = false;
  const interrupted = async (): Promise<void> => {
    if (isDeciding) return left.resolve(null);
    isDeciding = true;
    try {
      if ((await decide(handle, prompter)) === "leave") left.resolve(null);
    } catch {
      left.resolve(null);
    } finally {
      isDeciding = false;
    }
  };
  const release = prompter.onInterrupt(() => void interrupted());
  const read = async (): Promise<RunState> => {
    let state = emptyRun;
    for await (const event of handle.events) {
      state = reduce(state, event);
      speak(event, state);
      if (event.event === "asked" && handle.isLive) put(event.question);
      if (isSettling(event, asking?.id)) takeBack();
    }
    if (state.outcome === null) speak(null, state);
    return state;
  };
  try {
    return await Promise.race([read(), left.promise]);
  } finally {
    release();
    takeBack();
    handle.close();
  }
}

function isSettling(event: RunEvent, open: string | undefined): boolean {
  return event.event === "ended" || (event.event === "answered" && event.question === open);
}

/** What Ctrl-C meant. It never stops the work by itself. */
async function decide(handle: RunHandle, prompter: Prompter): Promise<"leave" | "stay"> {
  const choice = await chooseFrom(
    prompter,
    `${handle.id} works on without this window. What now?`,
    [
      { title: `Leave it running (join again: pgrescue attach ${handle.id})`, value: "leave" },
      { title: "Pause before the next step", value: "pause" },
      { title: "End it; nothing that was made is removed", value: "abort" },
      { title: "Stay here", value: "stay" },
    ] as const,
    "Ctrl-C once more leaves; the work goes on.",
  );
  if (choice === "pause") await handle.pause();
  if (choice === "abort") await handle.abort();
  return choice === "leave" ? "leave" : "stay";
}
