import type { JournalEvent, RunEvent } from "../domain/run/events.ts";

/** Hands events to any number of readers. Publishing never waits for one of them. */
export interface Broadcast {
  publish(event: JournalEvent): void;
  /** Progress: only the newest is kept for readers that are behind. */
  tick(event: RunEvent): void;
  /** No more events; readers end after the last one. */
  close(): void;
  /** Every event from the run's first on, then those to come. Each call is a reader of its own. */
  read(): AsyncIterable<RunEvent>;
}

/**
 * A broadcast that begins with `history`. A reader is a position in one shared list of journaled events plus the newest
 * tick, so a reader that is slow or gone costs nothing.
 */
export function createBroadcast(history: readonly JournalEvent[]): Broadcast {
  const events: JournalEvent[] = [...history];
  let newest: { readonly event: RunEvent; readonly number: number } | null = null;
  let ticks = 0;
  let closed = false;
  let changed = Promise.withResolvers<void>();

  function wake(): void {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  }

  async function* read(): AsyncGenerator<RunEvent> {
    let next = 0;
    let seen = 0;
    for (;;) {
      const event = events[next];
      if (event !== undefined) {
        next++;
        yield event;
      } else if (newest !== null && newest.number > seen) {
        seen = newest.number;
        yield newest.event;
      } else if (closed) {
        return;
      } else {
        await changed.promise;
      }
    }
  }

  return {
    publish: (event) => {
      events.push(event);
      // A tick of a step that is over must not be drawn after its end.
      if (event.event === "step-finished" || event.event === "step-undone" || event.event === "ended") newest = null;
      wake();
    },
    tick: (event) => {
      newest = { event, number: ++ticks };
      wake();
    },
    close: () => {
      closed = true;
      wake();
    },
    read,
  };
}
