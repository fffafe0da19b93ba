import type { RunEvent } from "../domain/run/events.ts";

/** A face's connection to a run. Closing it, or losing it, never touches the work. */
export interface RunHandle {
  readonly id: string;
  /**
   * Every event from the first on, then live with progress. Ends when the run has ended (`done`, `failed`, `paused` ...)
   * or when its runner is gone. May be iterated once.
   */
  readonly events: AsyncIterable<RunEvent>;
  /** Whether a runner lives: false means read from the journal only, and the methods below reject. */
  readonly isLive: boolean;
  /** Answers the open question; rejects when it is not open any more or the answer is refused. */
  answer(question: string, value: string): Promise<void>;
  /** Asks for a stop before the next step. */
  pause(): Promise<void>;
  /** Asks for the end of the run; nothing that was made is removed. */
  abort(): Promise<void>;
  note(text: string): Promise<void>;
  /** Leaves; the runner goes on. */
  close(): void;
}
