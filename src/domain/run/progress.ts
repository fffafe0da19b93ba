import { millisecondsOf, parseInstant } from "../instant.ts";
import type { ProgressTick } from "./events.ts";

/** One look at how far a step was: `at` in milliseconds since 1970, `done` in the tick's unit. */
export interface ProgressSample {
  readonly at: number;
  readonly done: number;
}

/** How far the running step is, with enough of its past to tell a rate. */
export interface ProgressState {
  readonly step: string;
  readonly done: number;
  /** null: not known. */
  readonly total: number | null;
  readonly unit: ProgressTick["unit"];
  readonly doing: string;
  readonly lsn: string | null;
  readonly time: string | null;
  /** When the first and the last tick came, in milliseconds since 1970. */
  readonly beganAt: number;
  readonly tickedAt: number;
  /** When `done` last grew; the quiet watchdog counts from here. */
  readonly movedAt: number;
  /** Oldest first, thinned to at most 120 and at least 500 ms apart, the newest always included. */
  readonly samples: readonly ProgressSample[];
}

/** What the samples tell: units per second over the last 20 s, and milliseconds until `total`; null where nothing can be said. */
export interface Throughput {
  readonly perSecond: number | null;
  readonly remainingMilliseconds: number | null;
}

const most = 120;
const apart = 500;
const span = 20_000;

/** The state after one more tick; a tick of another step, or one that went back, begins anew. */
export function advance(before: ProgressState | null, tick: ProgressTick, at: string): ProgressState {
  const now = millisecondsAt(at);
  const same =
    before !== null && before.step === tick.step && before.unit === tick.unit && tick.done >= before.done
      ? before
      : null;
  return {
    step: tick.step,
    done: tick.done,
    total: tick.total,
    unit: tick.unit,
    doing: tick.doing,
    lsn: tick.lsn ?? same?.lsn ?? null,
    time: tick.time ?? same?.time ?? null,
    beganAt: same?.beganAt ?? now,
    tickedAt: now,
    movedAt: same !== null && tick.done === same.done ? same.movedAt : now,
    samples: sampled(same?.samples ?? [], { at: now, done: tick.done }),
  };
}

function sampled(samples: readonly ProgressSample[], next: ProgressSample): readonly ProgressSample[] {
  const beforeLast = samples.at(-2);
  // The newest sample is replaced until it is far enough from the one before it.
  const kept = beforeLast !== undefined && next.at - beforeLast.at < apart ? samples.slice(0, -1) : samples;
  return [...kept, next].slice(-most);
}

/** Rate and time left from the samples of the last 20 s: null before two samples lie at least a second apart. */
export function throughput(progress: ProgressState): Throughput {
  const last = progress.samples.at(-1);
  const first = progress.samples.find((s) => last !== undefined && last.at - s.at <= span);
  if (last === undefined || first === undefined || last.at - first.at < 1000)
    return { perSecond: null, remainingMilliseconds: null };
  const perSecond = ((last.done - first.done) * 1000) / (last.at - first.at);
  const known = progress.total !== null && perSecond > 0;
  return {
    perSecond,
    remainingMilliseconds: known ? Math.max(0, ((progress.total - progress.done) * 1000) / perSecond) : null,
  };
}

/** Units per second between neighbouring samples, oldest first: the sparkline's values. */
export function rates(progress: ProgressState): readonly number[] {
  return progress.samples.slice(1).map((s, i) => {
    const before = progress.samples[i] ?? s;
    return s.at > before.at ? ((s.done - before.done) * 1000) / (s.at - before.at) : 0;
  });
}

/** Share done, 0 to 0.99 (only a finished step shows 100 %); null when the total is not known. */
export function share(progress: ProgressState): number | null {
  if (progress.total === null || progress.total <= 0) return null;
  return Math.min(0.99, Math.max(0, progress.done / progress.total));
}

/** Milliseconds since 1970 of an event's `at`; 0 when it cannot be read. */
export function millisecondsAt(at: string): number {
  const instant = parseInstant(at);
  return instant === null ? 0 : millisecondsOf(instant);
}
