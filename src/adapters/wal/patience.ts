import { setTimeout as delay } from "node:timers/promises";
import { PgrescueError } from "../../domain/errors.ts";

export interface Patience {
  readonly seconds: number;
  /** Called before each wait with the error that is being waited out. */
  onRetry(error: unknown, waitSeconds: number): void;
}

/** Errors that trying again cannot mend. */
const hopeless: ReadonlySet<string> = new Set(["usage", "config", "bug"]);

/** Tries until it works, for about `seconds`, waiting longer each time (1 s to 15 s); then throws the last error. */
export async function tryPatiently<T>(attempt: () => Promise<T>, patience: Patience): Promise<T> {
  const end = performance.now() + patience.seconds * 1000;
  for (let wait = 1; ; wait = Math.min(15, wait * 2)) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof PgrescueError) || hopeless.has(error.code)) throw error;
      if (performance.now() + wait * 1000 > end) throw error;
      patience.onRetry(error, wait);
      await delay(wait * 1000);
    }
  }
}
