import type { Instant } from "../../domain/instant.ts";
import type { RunState } from "../../domain/run/state.ts";
import type { HomeView } from "../console-views.ts";
import type { Zone } from "../moments.ts";
import type { AssessState } from "./assess-state.ts";
import type { Failure, Loadable } from "./loadable.ts";
import type { MethodsState } from "./methods-state.ts";
import type { PointsState } from "./points-state.ts";
import type { PreflightState } from "./preflight-state.ts";
import type { QuestionState } from "./question-state.ts";
import type { TargetState } from "./target-state.ts";

export type ScreenName =
  | "fleet"
  | "home"
  | "assess"
  | "points"
  | "target"
  | "methods"
  | "preflight"
  | "execute"
  | "question"
  | "verify"
  | "resume"
  | "record";

/** What lies over the screen's lower lines, or over all of it (help). Takes every key. */
export type Overlay =
  | { readonly kind: "help"; readonly top: number }
  | { readonly kind: "palette"; readonly text: string; readonly cursor: number }
  | { readonly kind: "filter" }
  | { readonly kind: "note"; readonly text: string }
  | { readonly kind: "why"; readonly lines: readonly string[]; readonly top: number }
  | { readonly kind: "abort" }
  | { readonly kind: "interrupt" }
  | { readonly kind: "failure"; readonly doing: string; readonly failure: Failure };

/** The run that is shown. */
export interface RunSlice {
  readonly id: string;
  readonly isLive: boolean;
  readonly state: RunState;
  /** The screens follow the phase of the running step until the operator looks elsewhere. */
  readonly isFollowing: boolean;
  /** The events ended: the run has, or its runner is gone. */
  readonly isOver: boolean;
}

/** Everything the console shows. Only update.ts makes a new one. */
export interface Model {
  readonly now: Instant;
  readonly columns: number;
  readonly rows: number;
  readonly zone: Zone;
  /** The screens on the way here; the last one is shown, Esc drops it. Never empty. */
  readonly path: readonly ScreenName[];
  readonly overlay: Overlay | null;
  /** Said instead of the key hints until the next key. */
  readonly toast: string | null;
  /** What the list of the current screen is narrowed to. */
  readonly filter: string;
  readonly cursor: number;
  readonly home: Loadable<HomeView>;
  readonly cluster: string | null;
  readonly assess: AssessState;
  readonly points: PointsState;
  readonly target: TargetState;
  readonly methods: MethodsState;
  readonly preflight: PreflightState;
  readonly question: QuestionState;
  readonly run: RunSlice | null;
  /** First line shown where a screen scrolls. */
  readonly scroll: number;
  /** Set once: the window closes. */
  readonly isLeaving: boolean;
  /** Command lines that were copied; printed on exit. */
  readonly copied: readonly string[];
}
