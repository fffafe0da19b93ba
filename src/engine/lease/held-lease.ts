import { PgrescueError, messageOf } from "../../domain/errors.ts";
import { judgeLease, stalePeriods, type Lease, type LeaseHolder } from "../../domain/lease.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Leasing, SeenLease } from "../../ports/leasing.ts";
import { leaseLost, leaseTaken } from "./errors.ts";

/** What taking a lease needs. */
export interface LeaseRequest {
  readonly leasing: Leasing;
  /** Of the repository, for people. */
  readonly repository: string;
  readonly cluster: string;
  readonly holder: LeaseHolder;
  /** Unlike that of any other taking. */
  readonly token: string;
  readonly periodSeconds: number;
  readonly clock: Clock;
  /** Whether a holder's process has ended for certain; null: unknown. */
  readonly isGone: (holder: LeaseHolder) => Promise<boolean | null>;
  readonly warn: (text: string) => void;
}

/** A lease that is renewed until it is given back. */
export interface HeldLease {
  /**
   * Resolves while the lease is ours: at once where it was renewed within its period, else after renewing it. Throws
   * `locked` when it is lost, and what the store throws when it cannot be asked.
   */
  ensure(): Promise<void>;
  /** Ends the renewing and frees the lease where it is still ours. Never throws: what went wrong is a warning. */
  release(): Promise<void>;
}

/** How often somebody else may write in the middle of our taking before we take it for a failure. */
const attempts = 5;

/**
 * Takes the lease; a lease of the same run is taken over, since only one process works on a run. null where the store lets
 * nothing be replaced, so that no lease can be had there. Throws `locked` naming the holder, and what the store throws.
 */
export async function takeLease(request: LeaseRequest): Promise<HeldLease | null> {
  const { leasing, cluster, repository, holder, clock } = request;
  for (let n = 0; n < attempts; n++) {
    const seen = await leasing.observe(cluster);
    if (seen.lease !== null && seen.lease.holder.run !== holder.run) {
      const gone = await request.isGone(seen.lease.holder);
      throw leaseTaken(repository, seen.lease, judgeLease(seen.lease, clock.now(), gone));
    }
    const began = moments(clock);
    const now = clock.now();
    const { token, periodSeconds } = request;
    const lease = { cluster, holder, token, since: now, renewedAt: now, renewals: 0, periodSeconds };
    const taken = await replaceOrNever(request, lease, seen);
    if (taken === "never") return null;
    // Read back: a store that does not know conditions has let two of us through, and the later one has it.
    if (taken !== null && (await leasing.observe(cluster)).lease?.token === token) return hold(request, lease, began);
  }
  throw new PgrescueError("locked", `others take and free the lock of repository ${repository} all the time`);
}

async function replaceOrNever(
  { leasing, cluster, repository, warn }: LeaseRequest,
  lease: Lease,
  seen: SeenLease,
): Promise<SeenLease | "never" | null> {
  try {
    return await leasing.replace(cluster, lease, seen);
  } catch (error) {
    const isForbidden =
      error instanceof PgrescueError && (error.code === "credentials" || error.code === "precondition-refused");
    if (!isForbidden) throw error;
    warn(`no lock can be kept in repository ${repository}, the run goes on without: ${messageOf(error)}`);
    return "never";
  }
}

/** Two clocks: the first one stands still while a machine sleeps, the second one may be set. */
interface Moments {
  readonly monotonic: number;
  readonly wall: number;
}

function moments(clock: Clock): Moments {
  return { monotonic: clock.monotonic(), wall: Number(clock.now()) / 1000 };
}

function hold(request: LeaseRequest, taken: Lease, began: Moments): HeldLease {
  const { leasing, cluster, repository, clock, warn, token } = request;
  const period = taken.periodSeconds * 1000;
  const over = new AbortController();
  let lease = taken;
  let renewed = began;
  let lost: PgrescueError | null = null;
  let renewing: Promise<void> | null = null;

  function isFresh(): boolean {
    const now = moments(clock);
    return now.monotonic - renewed.monotonic < period && now.wall - renewed.wall < period;
  }

  async function renewOnce(): Promise<void> {
    const starting = moments(clock);
    const next = { ...lease, renewedAt: clock.now(), renewals: lease.renewals + 1 };
    const seen = await leasing.observe(cluster);
    const isOurs = seen.lease?.token === token;
    const written = isOurs ? await leasing.replace(cluster, next, seen) : null;
    if (written === null) {
      lost = leaseLost(repository, isOurs ? (await leasing.observe(cluster)).lease : seen.lease);
      throw lost;
    }
    lease = next;
    renewed = starting;
  }

  function renew(): Promise<void> {
    renewing ??= renewOnce().finally(() => (renewing = null));
    return renewing;
  }

  async function keep(): Promise<void> {
    for (;;) {
      await clock.sleep(period / stalePeriods, over.signal);
      await renew().catch((error: unknown) => warn(`the lock on ${repository} was not renewed: ${messageOf(error)}`));
      if (lost !== null) return;
    }
  }
  keep().catch(() => undefined);

  return {
    ensure: async () => {
      if (lost !== null) throw lost;
      if (!isFresh()) await renew();
    },
    release: async () => {
      over.abort();
      await renewing?.catch(() => undefined);
      if (lost !== null) return;
      try {
        const seen = await leasing.observe(cluster);
        if (seen.lease?.token === token) await leasing.replace(cluster, null, seen);
      } catch (error) {
        warn(`the lock on ${repository} was not given back: ${messageOf(error)}`);
      }
    },
  };
}
