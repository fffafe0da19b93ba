import type { MethodFacts } from "./methods/method.ts";
import type { Estimate } from "./plan.ts";

/** Time to done from measured speeds, "no estimate yet" without them; the loss where the WAL tells it. */
export function estimateRecovery(facts: MethodFacts, losesLater: boolean): Estimate {
  const { point, target, speeds, replayUntil, newestCommitAt } = facts;
  const replayBytes = replayUntil === null || replayUntil < point.startLsn ? 0 : Number(replayUntil - point.startLsn);
  const isKnown = speeds.restore !== null && (speeds.replay !== null || replayBytes === 0) && replayUntil !== null;
  const seconds = isKnown ? point.bytes / (speeds.restore ?? 1) + replayBytes / (speeds.replay ?? 1) : null;
  const lastKept = target.lastCommit?.at ?? null;
  const lostSeconds =
    lastKept === null || newestCommitAt === null ? null : Number((newestCommitAt - lastKept) / 1_000_000n);
  return {
    seconds: seconds === null ? null : Math.ceil(seconds),
    basis:
      seconds === null
        ? "no restore was measured on this host"
        : `${mega(point.bytes)} files at ${mega(speeds.restore ?? 0)}/s, ${mega(replayBytes)} WAL at ${mega(speeds.replay ?? 0)}/s, measured in ${speeds.basis}`,
    lostTransactions: losesLater ? target.lostCommits : 0,
    lostSeconds: losesLater ? (lostSeconds === null ? null : Math.max(0, lostSeconds)) : 0,
    bytesToWrite: point.bytes + replayBytes,
  };
}

function mega(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
