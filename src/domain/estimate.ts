import { formatSpeed } from "./measured.ts";
import type { MethodFacts } from "./methods/method.ts";
import type { Estimate } from "./plan.ts";
import { formatBytes } from "./quantity.ts";

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
    basis: seconds === null ? missing(facts, replayBytes) : basisOf(facts, replayBytes),
    ...(seconds === null ? {} : { measuredIn: speeds.basis }),
    lostTransactions: losesLater ? target.lostCommits : 0,
    lostSeconds: losesLater ? (lostSeconds === null ? null : Math.max(0, lostSeconds)) : 0,
    bytesToWrite: point.bytes + replayBytes,
  };
}

function basisOf({ point, speeds }: MethodFacts, replayBytes: number): string {
  const files = `${formatBytes(point.bytes)} files at the measured ${formatSpeed(speeds.restore ?? 0)}`;
  const wal =
    replayBytes === 0 ? "" : `, ${formatBytes(replayBytes)} WAL at the measured ${formatSpeed(speeds.replay ?? 0)}`;
  return `${files}${wal} of ${speeds.basis}`;
}

function missing({ speeds, replayUntil }: MethodFacts, replayBytes: number): string {
  if (speeds.restore === null) return "no restore was measured on this host";
  if (replayUntil === null) return "how much WAL is to be replayed is not known";
  return `no replay was measured on this host, and ${formatBytes(replayBytes)} WAL is to be replayed`;
}
