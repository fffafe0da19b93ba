import type { RunEvent } from "../../domain/run/events.ts";
import type { RunHandle } from "../run-handle.ts";
import type { Message } from "./messages.ts";

/** Screens are drawn at most ten times a second; more messages than that are only work. */
const gatherMilliseconds = 100;

/** Reads a run's events and sends them in bundles; says when they end. Never rejects: a lost connection is an end. */
export async function pump(handle: RunHandle, send: (message: Message) => void): Promise<void> {
  let gathered: RunEvent[] = [];
  let timer: NodeJS.Timeout | null = null;
  const flush = (): void => {
    timer = null;
    const events = gathered;
    gathered = [];
    if (events.length > 0) send({ is: "events", run: handle.id, events });
  };
  try {
    for await (const event of handle.events) {
      gathered.push(event);
      timer ??= setTimeout(flush, gatherMilliseconds);
    }
  } catch {
    // The runner's socket is gone; the journal has everything that happened.
  }
  if (timer !== null) clearTimeout(timer);
  flush();
  send({ is: "parted", run: handle.id });
}
