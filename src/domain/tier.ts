import type { Instant } from "./instant.ts";

/** How near an object is, whatever the store calls it. Only what is in `archive` cannot be read at once. */
export type Tier = "hot" | "cool" | "cold" | "archive";

/** How much a rehydration hurries. Stores name it differently, and take more money for `high`. */
export type RehydrationPriority = "standard" | "high";

export interface RehydrationRequest {
  readonly priority: RehydrationPriority;
  /** How long a readable copy is kept, where the store makes one. */
  readonly days: number;
}

/** Where an object stands on its way out of an archive tier. */
export type Rehydration =
  /** It is archived, and nothing was asked for. */
  | { readonly state: "none" }
  /** It was asked for, and is not readable yet. */
  | { readonly state: "pending" }
  /** It can be read: until then, or as long as nobody moves it (null). */
  | { readonly state: "ready"; readonly until: Instant | null };
