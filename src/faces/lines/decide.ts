import { messageOf } from "../../domain/errors.ts";
import type { RunHandle } from "../run-handle.ts";
import { chooseFrom, Interrupted, type Prompter } from "./prompter.ts";

/** What Ctrl-C does to somebody who watches a run. */
export interface Interrupt {
  /** Ctrl-C was pressed: the first time asks, once more while it asks leaves. Never rejects. */
  press(): Promise<void>;
  isAsking(): boolean;
}

/** Ctrl-C for a run. `over` takes the question back; `inTurn` lets it wait for another prompt on the same keyboard. */
export function createInterrupt(
  handle: RunHandle,
  prompter: Prompter,
  options: {
    readonly leave: () => void;
    readonly over: AbortSignal;
    readonly inTurn?: <T>(signal: AbortSignal, prompt: () => Promise<T>) => Promise<T | null>;
  },
): Interrupt {
  const { leave, over, inTurn = async (_signal, prompt) => await prompt() } = options;
  let isAsking = false;
  return {
    isAsking: () => isAsking,
    press: async () => {
      if (isAsking || !handle.isLive) return leave();
      isAsking = true;
      try {
        if ((await inTurn(over, () => decide(handle, prompter, over))) === "leave") leave();
      } catch (error) {
        if (over.aborted || error instanceof Interrupted) leave();
        else prompter.say(messageOf(error));
      } finally {
        isAsking = false;
      }
    },
  };
}

/**
 * Asks what Ctrl-C meant and does it; by itself it never stops the work. An empty line stays. Rejects with `Interrupted`
 * on another Ctrl-C or when `signal` takes the question back, and with the runner's words when it refuses.
 */
async function decide(handle: RunHandle, prompter: Prompter, signal: AbortSignal): Promise<"leave" | "stay"> {
  // The terminal has written ^C where the cursor was.
  prompter.say("");
  const choice = await chooseFrom(
    prompter,
    `${handle.id} works on without this window. What now?`,
    [
      { title: `Leave it running (join again: pgrescue attach ${handle.id})`, value: "leave" },
      { title: `Pause before the next step (go on: pgrescue continue ${handle.id})`, value: "pause" },
      { title: "End it; nothing that was made is removed", value: "abort" },
      { title: "Stay here", value: "stay" },
    ] as const,
    "Ctrl-C once more leaves; the work goes on.",
    signal,
  );
  if (choice === "pause") await handle.pause();
  if (choice === "abort") await handle.abort();
  return choice === "leave" ? "leave" : "stay";
}
