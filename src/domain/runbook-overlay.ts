import { PgrescueError } from "./errors.ts";
import type { Runbook, RunbookStep } from "./runbook.ts";

/** What a site changes of one step: the fields it names, or the whole step where the id is new. */
export type StepOverlay = { readonly [Field in keyof RunbookStep]?: RunbookStep[Field] | undefined } & {
  readonly id: string;
  /** For a new step: the id it comes after; without it, it comes first. */
  readonly after?: string;
  readonly remove?: true;
};

/** A site's changes to a shipped runbook. */
export interface RunbookOverlay {
  readonly overlays: string;
  readonly steps: readonly StepOverlay[];
}

/** The runbook with a site's changes, merged by step id. Throws `config` for ids that do not fit. */
export function overlay(runbook: Runbook, changes: RunbookOverlay): Runbook {
  const steps = [...runbook.steps];
  for (const { after, remove, ...change } of changes.steps) {
    const at = steps.findIndex((step) => step.id === change.id);
    const before = steps[at];
    if (remove === true) {
      if (before === undefined)
        throw new PgrescueError("config", `there is no step ${change.id} to remove in ${runbook.id}`);
      steps.splice(at, 1);
    } else if (before !== undefined) {
      steps[at] = { ...before, ...change } as RunbookStep;
    } else {
      const place = after === undefined ? -1 : steps.findIndex((step) => step.id === after);
      if (after !== undefined && place === -1)
        throw new PgrescueError("config", `there is no step ${after} in ${runbook.id} to come after`);
      // Whether it is a whole step is checked with the merged runbook.
      steps.splice(place + 1, 0, change as RunbookStep);
    }
  }
  return { ...runbook, steps };
}
