import { PgrescueError } from "../domain/errors.ts";
import { formatInstant } from "../domain/instant.ts";
import type { JournalEvent, ProgressTick, RunFact } from "../domain/run/events.ts";
import { fold, reduce } from "../domain/run/reduce.ts";
import type { RunState } from "../domain/run/state.ts";
import type { Clock } from "../ports/clock.ts";
import type { Journal } from "../ports/journal.ts";
import { createBroadcast, type Broadcast } from "./broadcast.ts";

/** Milliseconds between two published ticks. */
const tickApart = 100;

/** What happened so far, and the only way to add to it. */
export interface RunRecord {
  /** Journals, then publishes. Once an append was rejected every further one is: the run must stop. */
  append(fact: RunFact): Promise<JournalEvent>;
  /** The last line of an attempt; tried even after a failed append, for the reserve may make room for it. */
  close(fact: Extract<RunFact, { event: "ended" }>): Promise<JournalEvent>;
  /** Published, not journaled, at most ten times a second. */
  tick(progress: ProgressTick): void;
  state(): RunState;
  /** Why the journal could not be written; null while it can. */
  failure(): unknown;
  readonly broadcast: Broadcast;
}

/** The record of a run on top of its journal; `history` is what the journal held already. */
export function createRecord(journal: Journal, history: readonly JournalEvent[], clock: Clock): RunRecord {
  const broadcast = createBroadcast(history);
  let state = fold(history);
  let failed: { readonly cause: unknown } | null = null;
  let ticked = Number.NEGATIVE_INFINITY;

  async function write(fact: RunFact): Promise<JournalEvent> {
    const event = await journal.append(fact);
    state = reduce(state, event);
    broadcast.publish(event);
    return event;
  }

  return {
    append: async (fact) => {
      if (failed !== null) throw failed.cause;
      try {
        return await write(fact);
      } catch (error) {
        failed ??= { cause: error };
        throw error;
      }
    },
    close: write,
    tick: (progress) => {
      const now = clock.monotonic();
      if (now - ticked < tickApart || failed !== null) return;
      ticked = now;
      const event = {
        schema: "pgrescue.event/v1",
        run: journal.run,
        seq: state.seq,
        at: formatInstant(clock.now()),
        ...progress,
      } as const;
      state = reduce(state, event);
      broadcast.tick(event);
    },
    state: () => state,
    failure: () => failed?.cause ?? null,
    broadcast,
  };
}

/** The error to report when a record cannot be written: the journal's own, or a bug. */
export function journalFailure(cause: unknown): PgrescueError {
  return cause instanceof PgrescueError
    ? cause
    : new PgrescueError("bug", "the journal could not be written", { cause });
}
