import type { Json } from "../../domain/brand.ts";
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
