import { leasePeriod, type LeaseHolder } from "../../domain/lease.ts";
import type { BackupTaker } from "../../ports/backup-source.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Repository } from "../../ports/repository.ts";
import { isLocked } from "./errors.ts";
import { takeLease, type HeldLease } from "./held-lease.ts";

/** What the leases of a run are made of. */
export interface RunLeasesOptions {
  readonly cluster: string;
  readonly holder: LeaseHolder;
  readonly clock: Clock;
  /** A token for a new lease, unlike any other. */
  readonly newToken: () => string;
  readonly periodSeconds?: number;
  repository(name: string): Promise<Repository>;
  readonly isGone: (holder: LeaseHolder) => Promise<boolean | null>;
  readonly warn: (text: string) => void;
}

/** The leases that one run has, by the names of the repositories. */
export interface RunLeases {
  /**
   * From now on these repositories are written to with a lease only, which is taken. Throws `locked` where another run has
   * one. A store that does not answer now is asked again before the first writing.
   */
  take(names: readonly string[]): Promise<void>;
  /** Asked before anything is written or removed: resolves where no lease is needed, or where ours stands. */
  guard(name: string): Promise<void>;
  /** Gives back what was taken. */
  release(names?: readonly string[]): Promise<void>;
  /** The same taker of backups, each of which has the lease of its repository while it is taken. */
  around(taker: BackupTaker): BackupTaker;
}

/** No lease yet. */
export function createRunLeases(options: RunLeasesOptions): RunLeases {
  const needed = new Set<string>();
  const taken = new Map<string, Promise<HeldLease | null>>();

  function acquire(name: string): Promise<HeldLease | null> {
    const known = taken.get(name) ?? takeOne(name);
    taken.set(name, known);
    known.catch(() => taken.delete(name));
    return known;
  }

  async function takeOne(name: string): Promise<HeldLease | null> {
    const { leasing, readOnly } = await options.repository(name);
    if (leasing === undefined || readOnly) return null;
    const { cluster, holder, clock, newToken, periodSeconds = leasePeriod, isGone, warn } = options;
    const request = { leasing, repository: name, cluster, holder, token: newToken(), periodSeconds, clock };
    return takeLease({ ...request, isGone, warn });
  }

  async function take(names: readonly string[]): Promise<void> {
    for (const name of names) {
      needed.add(name);
      await acquire(name).catch(async (error: unknown) => {
        if (!isLocked(error)) return;
        await release();
        throw error;
      });
    }
  }

  async function release(names: readonly string[] = [...needed]): Promise<void> {
    for (const name of names) {
      needed.delete(name);
      const lease = await taken.get(name)?.catch(() => null);
      taken.delete(name);
      await lease?.release();
    }
  }

  return {
    take,
    release,
    guard: async (name) => {
      if (needed.has(name)) await (await acquire(name))?.ensure();
    },
    around: (taker) => ({
      examine: (request, signal) => taker.examine(request, signal),
      take: async function* takeWithLease(request, signal) {
        const isRuns = needed.has(request.repository);
        if (!isRuns) await take([request.repository]);
        try {
          yield* taker.take(request, signal);
        } finally {
          if (!isRuns) await release([request.repository]);
        }
      },
    }),
  };
}
