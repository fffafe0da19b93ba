import { PgrescueError } from "../../domain/errors.ts";
import { leaseWords, type Lease, type LeaseJudgement } from "../../domain/lease.ts";

/** `locked`, naming who works in the repository and whether that still lives. */
export function leaseTaken(repository: string, lease: Lease, { state, evidence }: LeaseJudgement): PgrescueError {
  return new PgrescueError("locked", `repository ${repository} is locked by ${leaseWords(lease)}; ${evidence}`, {
    next:
      state === "held"
        ? "Wait for it (--lock-wait 30m waits for you); `pgrescue unlock` only explains without --apply."
        : "It looks dead: `pgrescue unlock` explains what is known, and breaks the lock once it is certain.",
  });
}

/** `locked`: the lease that we had is another's now, or nobody's. */
export function leaseLost(repository: string, other: Lease | null): PgrescueError {
  const who = other === null ? "somebody has broken it" : `it is held by ${leaseWords(other)}`;
  return new PgrescueError("locked", `this run's lock on repository ${repository} is lost: ${who}`, {
    means:
      "From then on this run has written and removed nothing there; a backup that was under way is not offered as a recovery point.",
    next: "Find out who used `pgrescue unlock` while this run lived; then `pgrescue continue`, once the other one has ended.",
  });
}

/** Whether somebody else has what is needed. */
export function isLocked(error: unknown): error is PgrescueError {
  return error instanceof PgrescueError && error.code === "locked";
}
