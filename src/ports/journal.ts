import type { JournalEvent, RunFact } from "../domain/run/events.ts";

/** The write-ahead record of one run. */
export interface Journal {
  readonly run: string;
  /**
   * Writes and fsyncs one line before it resolves with the whole event. If it rejects the run must stop: nothing may
   * happen that is not written. Calls are serialised.
   */
  append(fact: RunFact): Promise<JournalEvent>;
  close(): Promise<void>;
}

/** What reading a journal found. */
export interface JournalContent {
  readonly events: readonly JournalEvent[];
  /** The last line was cut off (power, full disk); it was left out. */
  readonly torn: boolean;
  /** First line whose chain does not fit, 1-based; null when all do. */
  readonly brokenAt: number | null;
}
