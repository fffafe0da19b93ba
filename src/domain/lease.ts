import { formatInstant, type Instant } from "./instant.ts";
import { formatDuration } from "./quantity.ts";
import type { RunKind } from "./run/events.ts";

/** Who works in a repository. */
export interface LeaseHolder {
  readonly host: string;
  readonly pid: number;
  /** What tells this process from a later one of its number, on its host only; null where the host does not say. */
  readonly process: string | null;
  readonly user: string;
  readonly run: string;
  readonly command: string;
}

/** The right to write and remove in a repository for one cluster. It counts until it is given back or broken. */
export interface Lease {
  readonly cluster: string;
  readonly holder: LeaseHolder;
  /** Of one taking: a lease that was broken and taken again is another one. */
  readonly token: string;
  /** By the holder's clock. */
  readonly since: Instant;
  readonly renewedAt: Instant;
  readonly renewals: number;
  /** What the holder promises: it renews three times in one of these, and it is alive for that long without. */
  readonly periodSeconds: number;
}

/** The period of a lease, in seconds. */
export const leasePeriod = 60;

/** How many periods without a renewal make a lease stale. */
export const stalePeriods = 3;

/** What one look at a lease can tell. */
export interface LeaseJudgement {
  /** `dead`: its process is gone, for certain; `silent`: by the clocks it has not been renewed for too long. */
  readonly state: "held" | "silent" | "dead";
  /** One clause for people. */
  readonly evidence: string;
}

/**
 * Judges a lease by one look. `isGone`: whether its process is known to have ended; null where that is not known, on other
 * hosts for instance. Only `dead` is proof: the holder's clock and ours may disagree.
 */
export function judgeLease(lease: Lease, now: Instant, isGone: boolean | null): LeaseJudgement {
  const age = Number(now - lease.renewedAt) / 1_000_000;
  if (isGone === true)
    return { state: "dead", evidence: `process ${lease.holder.pid} does not exist any more on this host` };
  if (age < -lease.periodSeconds)
    return {
      state: "held",
      evidence: `renewed ${formatDuration(-age)} in the future: its host's clock or this one's is wrong`,
    };
  const evidence = `last renewed ${formatDuration(Math.max(0, age))} ago`;
  return { state: age > stalePeriods * lease.periodSeconds ? "silent" : "held", evidence };
}

/** `run R (backup) of postgres on db1, process 71, since 2026-11-27 02:00:00Z`. */
export function leaseWords({ holder, since }: Lease): string {
  const at = formatInstant(since);
  return `run ${holder.run} (${holder.command}) of ${holder.user} on ${holder.host}, process ${holder.pid}, since ${at.slice(0, 10)} ${at.slice(11, 19)}Z`;
}

/** The repositories that a run writes to or removes from all through, by the names in its inputs. */
export function leasedRepositories(kind: RunKind, inputs: { readonly [key: string]: unknown }): readonly string[] {
  const names =
    kind === "backup"
      ? [inputs["repository"], ...(Array.isArray(inputs["copyTo"]) ? (inputs["copyTo"] as unknown[]) : [])]
      : kind === "expiry"
        ? inputs["repositories"]
        : kind === "copy"
          ? inputs["to"]
          : [];
  return Array.isArray(names) ? names.filter((name): name is string => typeof name === "string") : [];
}
