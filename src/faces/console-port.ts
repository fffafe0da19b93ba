import type { Instant } from "../domain/instant.ts";
import type {
  AssessEvent,
  Choice,
  HomeView,
  MethodView,
  PreflightView,
  SurveyView,
  TargetAnswer,
  TargetText,
  TargetView,
} from "./console-views.ts";
import type { RunHandle } from "./run-handle.ts";

/**
 * Where the console and the plain mode get everything: plain data, words ready. A method that throws a PgrescueError is
 * shown in four parts on the screen and can be tried again; an unreachable server is a fact in a view, not an error.
 */
export interface ConsolePort {
  now(): Instant;
  loadHome(): Promise<HomeView>;
  /** The read-only checks, each verdict when its check ends, the conclusion last. */
  assess(cluster: string, signal: AbortSignal): AsyncIterable<AssessEvent>;
  survey(cluster: string): Promise<SurveyView>;
  /** Understands and looks up a target; an unreachable one is an answer, not an error. */
  resolveTarget(cluster: string, request: TargetText): Promise<TargetAnswer>;
  /** All methods, the recommended one first, refused ones last. */
  methods(cluster: string, target: TargetView): Promise<readonly MethodView[]>;
  preflight(choice: Choice): Promise<PreflightView>;
  /** Starts the runner and joins it. */
  start(choice: Choice): Promise<RunHandle>;
  /** Takes a base backup now: starts the runner and joins it. */
  backup(cluster: string): Promise<RunHandle>;
  /** Joins a run, or reads the record of one that ended. */
  attach(run: string): Promise<RunHandle>;
  /** Goes on with a paused, failed or cut-off run: starts a runner and joins it. */
  resume(run: string): Promise<RunHandle>;
}
