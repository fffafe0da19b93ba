import { instantFromMilliseconds, type Instant, millisecondsOf } from "../domain/instant.ts";
import { share, throughput, type ProgressState } from "../domain/run/progress.ts";
import { formatBytes } from "../domain/quantity.ts";
import { clockMinute, span, type Zone } from "./moments.ts";

/** `61 %`, or "" where the total is not known. */
export function percent(progress: ProgressState): string {
  const part = share(progress);
  return part === null ? "" : `${Math.floor(part * 100)} %`;
}

/** `84 of 137 segments`, `129 GB of 212 GB`, `12 files`. */
export function amount(progress: ProgressState): string {
  const { done, total, unit } = progress;
  if (unit === "bytes") return total === null ? formatBytes(done) : `${formatBytes(done)} of ${formatBytes(total)}`;
  return total === null ? `${done} ${unit}` : `${done} of ${total} ${unit}`;
}

/** `410 MB/s`, `2.1 segments/s`; null before there is a rate. */
export function rate(progress: ProgressState): string | null {
  const { perSecond } = throughput(progress);
  if (perSecond === null) return null;
  return progress.unit === "bytes"
    ? `${formatBytes(perSecond)}/s`
    : `${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)} ${progress.unit}/s`;
}

/** `≈ 1m50 at the measured 410 MB/s, by 03:52`, or `no estimate yet`: never a number without its basis. */
export function timeLeft(progress: ProgressState, now: Instant, zone: Zone): string {
  const { remainingMilliseconds } = throughput(progress);
  const measured = rate(progress);
  if (remainingMilliseconds === null || measured === null) return "no estimate yet";
  const end = instantFromMilliseconds(millisecondsOf(now) + remainingMilliseconds);
  return `≈ ${span(remainingMilliseconds)} at the measured ${measured}, by ${clockMinute(end, zone)}`;
}

/** After this much quiet it is said, and after the second explained. Milliseconds. */
export const quietLimits = { warn: 30_000, explain: 60_000 };

/** How long nothing has moved, in milliseconds: from the last growth, or from the step's beginning. */
export function quietFor(progress: ProgressState | null, startedAt: Instant | null, now: Instant): number {
  const since = progress?.movedAt ?? (startedAt === null ? null : millisecondsOf(startedAt));
  return since === null ? 0 : Math.max(0, millisecondsOf(now) - since);
}
