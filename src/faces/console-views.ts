import type { Instant } from "../domain/instant.ts";
import type { PlannedStep, RecoveryInputs } from "../domain/plan.ts";
import type { PointKind, PointStatus } from "../domain/recovery-point.ts";
import type { RunResult } from "../domain/run/events.ts";
import type { Finding, Verdict } from "../domain/verdict.ts";

/** Something said about a cluster in one line: `STATE [FAIL] not accepting connections since 03:11:50`. */
export interface FactView {
  /** At most 8 characters: TARGET, STATE, STANDBY, BACKUPS, ARCHIVE. */
  readonly label: string;
  /** null: a plain fact without a judgement. */
  readonly result: Finding | null;
  readonly text: string;
}

/** An entry of the schedule with its neighbours in time. */
export interface ScheduleView {
  /** `base backup`, `copy to offsite`. */
  readonly what: string;
  readonly lastAt: Instant | null;
  readonly lastResult: Finding | null;
  readonly nextAt: Instant | null;
}

/** A stretch of time every moment of which can be reached; `until` null where the last commit is not known. */
export interface WindowView {
  readonly repository: string;
  readonly timeline: number;
  readonly from: Instant;
  readonly until: Instant | null;
  readonly untilLsn: string;
  readonly untilXid: string | null;
}

/** WAL that is missing; instants null where the time of the neighbours is not known. */
export interface HoleView {
  readonly timeline: number;
  readonly fromSegment: string;
  readonly toSegment: string;
  readonly from: Instant | null;
  readonly until: Instant | null;
}

/** A cluster on the home screen. */
export interface ClusterView {
  readonly name: string;
  /** What is typed to change it: `<cluster>@<host>`. */
  readonly confirm: string;
  /** The worst of everything that is known, for sorting. */
  readonly result: Finding;
  /** One line for the table of several clusters. */
  readonly summary: string;
  readonly facts: readonly FactView[];
  readonly windows: readonly WindowView[];
  readonly holes: readonly HoleView[];
  readonly schedule: readonly ScheduleView[];
}

/** A run as lists show it. */
export interface RunView {
  readonly id: string;
  readonly cluster: string;
  /** `recovery`, `backup`, `verify`, or a runbook's title. */
  readonly title: string;
  readonly at: Instant;
  /** A runner works on it now. */
  readonly isLive: boolean;
  /** null while it runs, or when its runner died. */
  readonly result: RunResult | null;
  /** `step 4/9, replay WAL`. */
  readonly position: string;
  /** Wall time in seconds where it ended. */
  readonly seconds: number | null;
}

/** Everything on the first screen. */
export interface HomeView {
  readonly clusters: readonly ClusterView[];
  /** Newest first. */
  readonly runs: readonly RunView[];
}

/** What the assessment comes to. */
export interface ConclusionView {
  /** `ARCHIVE STALLED → DISK FULL → CRASH`. */
  readonly likely: string;
  readonly confidence: "high" | "medium" | "low";
  /** What is not needed and why, where that is worth saying. */
  readonly notNeeded?: string;
  /** What must not be done now, shortest words. Shown all the time. */
  readonly doNot: readonly string[];
  /** The one recommended action. */
  readonly next: string;
  /** The reasons, for `w`. */
  readonly why: readonly string[];
}

/** The assessment as it comes in. */
export type AssessEvent =
  | { readonly kind: "total"; readonly checks: number }
  | { readonly kind: "asking"; readonly title: string }
  | { readonly kind: "verdict"; readonly verdict: Verdict; readonly raw?: readonly string[] }
  | { readonly kind: "conclusion"; readonly conclusion: ConclusionView };

/** A recovery point in the list. */
export interface PointView {
  readonly id: string;
  readonly kind: PointKind;
  readonly finishedAt: Instant;
  readonly bytes: number;
  readonly storedBytes: number;
  readonly timeline: number;
  /** `1 of 2`, `logical`, `-`. */
  readonly chain: string;
  /** `6 d 38m12`, `-`: when it was last restored and how long that took. */
  readonly tested: string;
  readonly places: readonly string[];
  readonly status: PointStatus;
  readonly reason?: string;
  /** Lines for the details pane. */
  readonly details: readonly string[];
}

/** Points, windows and holes of one cluster. */
export interface SurveyView {
  /** Where it was read: `file:///var/lib/pgrescue/repo`. */
  readonly place: string;
  /** Oldest first. */
  readonly points: readonly PointView[];
  readonly windows: readonly WindowView[];
  readonly holes: readonly HoleView[];
  readonly warnings: readonly string[];
}

export type TargetKind = "time" | "xid" | "before-xid" | "lsn" | "name" | "latest" | "immediate";

/** What the operator asked for, in the operator's words. */
export interface TargetText {
  readonly kind: TargetKind;
  /** As typed; "" for latest and immediate. */
  readonly text: string;
  /** Begin with this backup; absent: the planner picks. */
  readonly point?: string;
}

/** A moment that can be reached. */
export interface TargetView {
  readonly request: TargetText;
  /** `just before xid 88123457`, `02:51:07 UTC`. */
  readonly title: string;
  /** What was understood, in UTC and PostgreSQL's words, one line each. */
  readonly understood: readonly string[];
  /** When the last kept commit was made; null where it is not known. */
  readonly at: Instant | null;
  readonly lost: string;
  readonly warnings: readonly string[];
  /** The arguments that say exactly this again: `["--target-xid", "731", "--exclusive"]`. */
  readonly arguments: readonly string[];
}

/** Why something is not possible, and what is instead. Both end up on the screen as they are. */
export interface RefusalView {
  readonly reason: string;
  readonly next: string;
}

export type TargetAnswer =
  | { readonly isReachable: true; readonly target: TargetView }
  | { readonly isReachable: false; readonly refusal: RefusalView };

export type MethodId = RecoveryInputs["method"];

/** A way to get there, with its price. */
export interface MethodView {
  readonly id: MethodId;
  /** At most 16 characters: `scratch+merge`. */
  readonly title: string;
  readonly isRecommended: boolean;
  /** Why it is recommended, or when it is the right one. */
  readonly reason: string;
  /** Set where it cannot be used now. */
  readonly refusal: RefusalView | null;
  /** The rows of the table, the same labels in the same order for every method; "" where nothing can be said. */
  readonly prices: readonly { readonly label: string; readonly value: string }[];
}

/** What is about to be run. */
export interface Choice {
  readonly cluster: string;
  readonly target: TargetView;
  readonly method: MethodId;
}

/** Everything that is looked at and shown before anything is written. */
export interface PreflightView {
  /** `restore to scratch in /srv/scratch/R-0314`. */
  readonly title: string;
  readonly verdicts: readonly Verdict[];
  /** Whether a step changes production; false: nothing but scratch is written. */
  readonly changesProduction: boolean;
  /** Files that will be written, with their lines. */
  readonly files: readonly { readonly name: string; readonly lines: readonly string[] }[];
  readonly steps: readonly PlannedStep[];
  /** The command line that does the same, as words without the program's name. */
  readonly command: readonly string[];
  /** Set where it must not be started. */
  readonly refusal: RefusalView | null;
}
