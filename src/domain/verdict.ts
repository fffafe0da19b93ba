import type { Json } from "./brand.ts";

/** What a check found. A check that did not run is not a pass. */
export type Finding = "pass" | "warn" | "fail" | "skip" | "unknown";

/** The ladder of verification, lowest first. */
export type Rung = "bytes" | "starts" | "structure" | "sense" | "behaviour" | "comparison";

/** The answer of a check: data, never an exception. */
export interface Verdict {
  readonly check: string;
  readonly title: string;
  readonly result: Finding;
  /** What was seen, in one line. */
  readonly evidence: string;
  /** What to do about it, a full sentence, where something can be done. */
  readonly mend?: string;
  readonly rung?: Rung;
  readonly data?: Json;
}

const worst: readonly Finding[] = ["pass", "skip", "warn", "unknown", "fail"];

/** The gravest finding; `pass` for none. */
export function gravest(verdicts: readonly Verdict[]): Finding {
  return verdicts.reduce<Finding>((all, v) => (worst.indexOf(v.result) > worst.indexOf(all) ? v.result : all), "pass");
}
