import type { Composition } from "../../compose.ts";
import { PgrescueError } from "../../domain/errors.ts";
import type { Instant } from "../../domain/instant.ts";
import { isGood } from "../../domain/run/record.ts";
import type { ScheduledWork } from "../../domain/schedule/entry.ts";
import type { Terminal } from "../command.ts";
import { readHistory } from "../history.ts";
import type { Settings } from "../settings.ts";

/**
 * Whether a slot's work was done, by this or any other host: a backup bears its slot in the repository, other work shows
 * in the history. What cannot be found out was not done: doing it twice does no harm.
 */
export async function wasDone(
  work: ScheduledWork,
  slot: Instant,
  settings: Settings,
  world: Pick<Composition, "repository">,
  terminal: Pick<Terminal, "env">,
): Promise<boolean> {
  const { cluster } = work.entry;
  const name = work.slotName(slot);
  try {
    if (name === null) {
      const { records } = await readHistory(settings, terminal, slot);
      return records.some((r) => r.cluster === cluster && r.kind === work.proof && isGood(r));
    }
    const [first] = settings.loaded.config.clusters[cluster]?.repositories ?? [];
    if (first === undefined) return false;
    for await (const point of (await world.repository(first)).points({ cluster }))
      if (point.slot === name && point.status === "ok") return true;
    return false;
  } catch (error) {
    if (!(error instanceof PgrescueError)) throw error;
    return false;
  }
}
