import { join } from "node:path";
import { readJournal } from "../../adapters/journal/file-journal.ts";
import { listRuns, runFiles, runsDirectory } from "../../adapters/journal/run-directory.ts";
import { PgrescueError } from "../../domain/errors.ts";
import { isUnfinished } from "../../domain/run/leftovers.ts";
import { fold } from "../../domain/run/reduce.ts";
import { matchingRuns } from "../../domain/run/run-id.ts";
import type { RunState } from "../../domain/run/state.ts";

/** A run as its journal tells it. */
export interface FoundRun {
  readonly id: string;
  readonly directory: string;
  readonly state: RunState;
}

/**
 * The run that `part` (a name, its beginning or its end) means; without one the newest that is not finished, else the
 * newest. Throws `usage` when there is none or more than one.
 */
export async function findRun(stateDirectory: string, part: string | undefined): Promise<FoundRun> {
  const all = await listRuns(stateDirectory);
  if (part !== undefined) {
    const [id, second] = matchingRuns(all, part);
    if (id === undefined)
      throw new PgrescueError("usage", `no run ${part} in ${stateDirectory}`, {
        next: "`pgrescue status` lists the runs; --state-dir names another place.",
      });
    if (second !== undefined)
      throw new PgrescueError("usage", `${part} could be ${matchingRuns(all, part).slice(0, 5).join(", ")}`, {
        next: "Give more of the run's name.",
      });
    return openRunRecord(stateDirectory, id);
  }
  for (const id of all) {
    const run = await openRunRecord(stateDirectory, id);
    if (isUnfinished(run.state)) return run;
  }
  const [newest] = all;
  if (newest === undefined)
    throw new PgrescueError("usage", `there are no runs in ${stateDirectory}`, {
      next: "Start one with `pgrescue recover` or `pgrescue backup`; --state-dir names another place.",
    });
  return openRunRecord(stateDirectory, newest);
}

/** The run of that exact name; an empty state when its runner has not written anything yet. */
export async function openRunRecord(stateDirectory: string, id: string): Promise<FoundRun> {
  const directory = join(runsDirectory(stateDirectory), id);
  const content = await readJournal(join(directory, runFiles.journal)).catch((error: unknown) => {
    if (error instanceof PgrescueError && (error.cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT")
      return { events: [] };
    throw error;
  });
  return { id, directory, state: fold(content.events) };
}
