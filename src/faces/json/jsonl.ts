import { once } from "node:events";
import { reduce } from "../../domain/run/reduce.ts";
import type { RunEvent } from "../../domain/run/events.ts";
import { emptyRun, type RunState } from "../../domain/run/state.ts";

/**
 * Prints every event as one line of JSON, progress included, and gives the state at the end. When the reader goes away
 * (`| head -1`) it stops reading, too, and gives the state so far: the work goes on without it.
 */
export async function showJsonl(events: AsyncIterable<RunEvent>, stdout: NodeJS.WritableStream): Promise<RunState> {
  let state = emptyRun;
  let isGone = false;
  const gone = (): void => void (isGone = true);
  stdout.on("error", gone).on("close", gone);
  try {
    for await (const event of events) {
      state = reduce(state, event);
      if (!stdout.write(`${JSON.stringify(event)}\n`) && !isGone)
        await Promise.race([once(stdout, "drain"), once(stdout, "close")]).catch(gone);
      // oxlint-disable-next-line typescript/no-unnecessary-condition -- set from the stream's events
      if (isGone) break;
    }
  } finally {
    stdout.off("close", gone);
  }
  return state;
}
