import type { RunHandle } from "../run-handle.ts";
import { chooseFrom, type Prompter } from "./prompter.ts";

/**
 * Asks what Ctrl-C meant and does it; by itself it never stops the work. An empty line stays. Rejects with `Interrupted`
 * on another Ctrl-C or when `signal` takes the question back, and with the runner's words when it refuses.
 */
export async function decide(handle: RunHandle, prompter: Prompter, signal: AbortSignal): Promise<"leave" | "stay"> {
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
