import type { Instant } from "./instant.ts";
import type { Lsn } from "./lsn.ts";

type RefusalReason =
  | "no-point"
  | "too-early"
  | "too-late"
  | "hole"
  | "not-found"
  | "half-dropped-database"
  | "unreadable-wal"
  | "unfit-method";

/** Why a target cannot be reached, or must not be tried: a value, not an error. */
export interface PlanRefusal {
  readonly refusal: RefusalReason;
  /** Lower-case, no period: what was found. */
  readonly message: string;
  /** A full sentence: what to do instead, with the exact option where there is one. */
  readonly next: string;
  /** The nearest moment before that can be reached, where there is one. */
  readonly nearest?: { readonly at: Instant | null; readonly lsn: Lsn; readonly xid: number | null };
}

/** Whether a planner's answer is a refusal. */
export function isRefusal(answer: object): answer is PlanRefusal {
  return "refusal" in answer;
}
