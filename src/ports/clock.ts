import type { Instant } from "../domain/instant.ts";

/** The only source of time for the engine and the faces. */
export interface Clock {
  now(): Instant;
  /** Milliseconds that never jump backwards; only differences mean something. */
  monotonic(): number;
  /** Resolves after `milliseconds`, or rejects with the signal's reason when it aborts first. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}
