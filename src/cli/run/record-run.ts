import { instant, parseInstant } from "../../domain/instant.ts";
import { messageOf } from "../../domain/errors.ts";
import type { RunSpec } from "../../domain/run/spec.ts";
import type { RunState } from "../../domain/run/state.ts";
import type { World } from "../../engine/world.ts";
import { runDocument } from "../../faces/json/document.ts";

/**
 * Adds a finished attempt to the fleet's history in the repository that it worked with (runs/<yyyy-mm>/<id>.json): other
 * hosts see it there. Only for clusters that the configuration knows, and never a reason for a run to fail: what went
 * wrong is said on stderr, which is the runner's log.
 */
export async function recordRun(spec: RunSpec, state: RunState, world: World): Promise<void> {
  const { repository: name } = spec.inputs;
  if (typeof name !== "string" || spec.settings["configFile"] === null) return;
  try {
    const repository = await world.repository(name);
    if (repository.readOnly) return;
    const at = parseInstant(state.header?.openedAt ?? "") ?? instant(0n);
    await repository.recordRun(spec.cluster, spec.run, at, runDocument(state));
  } catch (error) {
    process.stderr.write(`the run was not added to the history in ${name}: ${messageOf(error)}\n`);
  }
}
