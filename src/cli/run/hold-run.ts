import { messageOf } from "../../domain/errors.ts";
import { instant } from "../../domain/instant.ts";
import type { RunSpec } from "../../domain/run/spec.ts";
import type { RunState } from "../../domain/run/state.ts";
import type { World } from "../../engine/world.ts";

/** A hold of a run that never came back ends by itself after so many days. */
const longest = 14n * 86_400_000_000n;

/**
 * Holds the point that a recovery works from, in the repository, so that no host lets it or its WAL expire meanwhile.
 * Gives what ends the hold once the run is over for good; a run that can still be continued keeps it. Never a reason for
 * a recovery to fail: what went wrong is said on stderr, which is the runner's log.
 */
export async function holdForRun(spec: RunSpec, world: World): Promise<(state: RunState) => Promise<void>> {
  const { repository: name, point } = spec.inputs;
  if (
    spec.kind === "backup" ||
    spec.kind === "expiry" ||
    spec.kind === "copy" ||
    typeof name !== "string" ||
    typeof point !== "string"
  )
    return () => Promise.resolve();
  const attempt = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      process.stderr.write(`the hold on ${point} in ${name} was not ${what}: ${messageOf(error)}\n`);
    }
  };
  const place = { cluster: spec.cluster, point, run: spec.run };
  await attempt("put", async () => {
    const now = world.clock.now();
    await (
      await world.repository(name)
    ).keeping?.hold({
      ...place,
      reason: `run ${spec.run} works from it`,
      owner: `${spec.actor.user}@${spec.actor.host}`,
      since: now,
      until: instant(now + longest),
    });
  });
  return async (state) => {
    const result = state.outcome?.result;
    if (result === undefined || result === "paused" || result === "failed") return;
    await attempt("ended", async () => (await world.repository(name)).keeping?.release(place));
  };
}
