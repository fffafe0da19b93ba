import type { Json } from "../../domain/brand.ts";
import { PgrescueError } from "../../domain/errors.ts";
import type { Finding, Rung, Verdict } from "../../domain/verdict.ts";
import type { StepSignal } from "../step.ts";

/** A line for the log of the run. */
export function logged(text: string, level: "info" | "warn" = "info"): StepSignal {
  return { signal: "log", level, text };
}

/** A value that later steps, faces and the report find by its name. */
export function recorded(name: string, value: Json): StepSignal {
  return { signal: "recorded", name, value };
}

/** What a check of this step found. */
export function judged(verdict: Verdict): StepSignal {
  return { signal: "verdict", verdict };
}

/** Tells what was found before the work; throws `precondition-refused` with the first failure after all were told. */
export function* toldBefore(verdicts: readonly Verdict[]): Generator<StepSignal, void> {
  for (const found of verdicts) yield judged(found);
  const [first, ...more] = verdicts.filter(({ result }) => result === "fail");
  if (first === undefined) return;
  throw new PgrescueError(
    "precondition-refused",
    `${first.title}: ${first.evidence}${more.length > 0 ? ` (and ${more.length} more)` : ""}`,
    first.mend === undefined ? {} : { next: first.mend },
  );
}

/** A verdict in one call; `mend` is a full sentence. */
export function verdict(
  check: string,
  title: string,
  result: Finding,
  evidence: string,
  more: { readonly mend?: string; readonly rung?: Rung; readonly data?: Json } = {},
): Verdict {
  return { check, title, result, evidence, ...more };
}
