import { parseInstant, type Instant } from "./instant.ts";
import { speedsIn, type MeasuredSpeeds } from "./measured.ts";
import type { RecoveryPoint } from "./recovery-point.ts";
import type { RunState, StepState } from "./run/state.ts";
import { stepSeconds } from "./step-seconds.ts";

/** A recovery, a drill or a restoring verification that ended well on this host, be it for real or as an exercise. */
export interface Rehearsal extends MeasuredSpeeds {
  readonly run: string;
  readonly cluster: string;
  readonly systemIdentifier: string;
  readonly repository: string;
  readonly point: string;
  readonly method: string;
  /** When the run ended. */
  readonly at: Instant;
  /** Time in steps without waiting for people; null where a step was cut off and taken up again: its parts do not add up. */
  readonly seconds: number | null;
}

/**
 * What a run proves about its point; null where it proves nothing: it restores nothing, ran elsewhere than `host`, did not
 * end with exit 0, or a step or a check of it failed.
 */
export function rehearsalOf(state: RunState, host: string): Rehearsal | null {
  const { header, outcome } = state;
  if (header === null || !["recovery", "verify", "drill"].includes(header.kind)) return null;
  if (outcome?.exitCode !== 0 || header.actor.host !== host) return null;
  if (state.steps.some((s) => s.status === "failed" || s.status === "undone")) return null;
  if (state.verdicts.some(({ verdict }) => verdict.result === "fail")) return null;
  const at = state.endedAt === null ? null : parseInstant(state.endedAt);
  const { point, repository, systemIdentifier, method } = header.inputs;
  if (at === null || typeof point !== "string" || typeof method !== "string") return null;
  if (typeof repository !== "string" || typeof systemIdentifier !== "string") return null;
  return {
    run: state.run,
    cluster: header.cluster,
    systemIdentifier,
    repository,
    point,
    method,
    at,
    seconds: secondsIn(state.steps),
    ...speedsIn(state),
  };
}

/** When this very copy of a backup was last restored; null: never, as far as `rehearsals` (newest first) tell. */
export function lastTestOf(
  point: Pick<RecoveryPoint, "id" | "cluster" | "systemIdentifier" | "repository">,
  rehearsals: readonly Rehearsal[],
): Rehearsal | null {
  return (
    rehearsals.find(
      (r) =>
        r.point === point.id &&
        r.cluster === point.cluster &&
        r.systemIdentifier === point.systemIdentifier &&
        r.repository === point.repository,
    ) ?? null
  );
}

/** The points with when each was last restored and verified, where `rehearsals` (newest first) or the store know it. */
export function withTests(
  points: readonly RecoveryPoint[],
  rehearsals: readonly Rehearsal[],
): readonly RecoveryPoint[] {
  return points.map((point) => {
    const test = lastTestOf(point, rehearsals);
    const isNewer = test !== null && (point.verifiedAt === undefined || point.verifiedAt < test.at);
    return isNewer ? { ...point, verifiedAt: test.at } : point;
  });
}

function secondsIn(steps: readonly StepState[]): number | null {
  let sum = 0;
  for (const step of steps) {
    if (step.status === "skipped") continue;
    const seconds = stepSeconds(step);
    if (seconds === null) return null;
    sum += seconds;
  }
  return sum;
}
