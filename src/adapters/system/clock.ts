import { setTimeout as delay } from "node:timers/promises";
import { instantFromMilliseconds } from "../../domain/instant.ts";
import type { Clock } from "../../ports/clock.ts";

/** The machine's clocks. The wall clock is asked each time, so that a corrected clock is followed. */
export const systemClock: Clock = {
  now: () => instantFromMilliseconds(Date.now()),
  monotonic: () => performance.now(),
  sleep: async (milliseconds, signal) => {
    await delay(milliseconds, undefined, signal === undefined ? {} : { signal });
  },
};
