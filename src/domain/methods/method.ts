import type { Instant } from "../instant.ts";
import type { Lsn } from "../lsn.ts";
import type { Estimate, RecoveryInputs } from "../plan.ts";
import type { RecoveryPoint } from "../recovery-point.ts";
import type { PlanRefusal } from "../refusal.ts";
import type { ResolvedTarget } from "../target.ts";

/** Production's place, as far as it is known; `dataDirectory` null: not on this host, or not known. */
export interface ProductionFacts {
  readonly dataDirectory: string | null;
  readonly port: number;
  readonly socketDirectory: string;
  readonly isRunning: boolean;
  /** pg_wal of the same system on this host, with WAL that perhaps no archive has yet; null: none to use. */
  readonly walDirectory?: string | null;
}

/** Where a recovery that leaves production alone goes. `dataDirectory` null: not said. */
export interface DestinationFacts {
  readonly dataDirectory: string | null;
  readonly port: number;
  readonly socketDirectory: string | null;
}

/** Measured on this host in earlier runs, in bytes a second; null: not measured yet. */
export interface Speeds {
  readonly restore: number | null;
  readonly replay: number | null;
  /** What they were measured in, for the estimate's basis: `run R20261120-0314-k3f`. */
  readonly basis: string;
}

/** What methods judge and plan from. */
export interface MethodFacts {
  readonly cluster: string;
  readonly host: string;
  readonly now: Instant;
  readonly point: RecoveryPoint;
  readonly target: ResolvedTarget;
  /** Where replay ends; null where it is not known. */
  readonly replayUntil: Lsn | null;
  /** The newest commit that there is. */
  readonly newestCommitAt: Instant | null;
  readonly production: ProductionFacts;
  readonly destination: DestinationFacts;
  /** Tablespaces by oid, name or old location -> directory, as the operator said. */
  readonly tablespaces: { readonly [oidNameOrLocation: string]: string };
  readonly speeds: Speeds;
}

/** The part of a plan that says where everything goes. */
export type Placement = Pick<
  RecoveryInputs,
  "dataDirectory" | "port" | "socketDirectory" | "tablespaces" | "savedWal" | "asideDirectory" | "confirm"
>;

/** A way to recover. */
export interface RecoveryMethod {
  readonly id: RecoveryInputs["method"];
  /** The runbook that it runs. */
  readonly runbook: string;
  readonly title: string;
  /** Why it does not fit; null: it fits. */
  refuse(facts: MethodFacts): PlanRefusal | null;
  /** Where everything goes; only for facts that fit. */
  place(facts: MethodFacts): Placement;
  estimate(facts: MethodFacts): Estimate;
}
