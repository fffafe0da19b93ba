import { formatLsn, type Lsn } from "../../domain/lsn.ts";
import type { RecoveryInputs } from "../../domain/plan.ts";
import type { Verdict } from "../../domain/verdict.ts";
import { lsnOf } from "./recovery-inputs.ts";
import { verdict } from "./signals.ts";

/**
 * Whether recovery stopped where the plan said, by WAL positions: after the last commit that is kept and before the first
 * one that is lost. `at` is the last replayed position, null where the server does not tell any more.
 */
export function judgeStop(inputs: RecoveryInputs, at: Lsn | null, promoted: boolean): Verdict {
  const { target } = inputs;
  const say = (result: Verdict["result"], evidence: string): Verdict =>
    verdict("recovery.target", "stopped at the target", result, evidence, {
      rung: "starts",
      ...(result === "fail" ? { mend: "Do not use this server; look at the log and plan the recovery again." } : {}),
    });
  if (at === null) return say("unknown", "the server does not say where replay ended");
  const kept = target.lastCommit;
  const lost = target.firstLost;
  if (kept !== null && at <= lsnOf(kept.lsn))
    return say("fail", `at ${formatLsn(at)}, before commit ${kept.xid} at ${kept.lsn}`);
  if (lost !== null && at > lsnOf(lost.lsn))
    return say("fail", `at ${formatLsn(at)}, after commit ${lost.xid} at ${lost.lsn}`);
  const { stopAt } = target;
  if (stopAt !== null && !promoted && target.kind !== "latest" && at > lsnOf(stopAt) && lost === null) {
    return say("warn", `at ${formatLsn(at)}, past ${stopAt}, with no commit in between`);
  }
  const last = kept === null ? "" : `; last commit is ${kept.xid}, ${kept.at}`;
  return say("pass", `at ${formatLsn(at)}${last}`);
}
