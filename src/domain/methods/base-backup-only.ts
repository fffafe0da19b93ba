import { estimateRecovery } from "../estimate.ts";
import type { RecoveryMethod } from "./method.ts";
import { placeScratch, refuseScratch } from "./restore-to-scratch.ts";

/** The backup itself, as it was at its end, in another directory: needs no WAL beyond its own. */
export const method: RecoveryMethod = {
  id: "base-backup-only",
  runbook: "restore-to-scratch",
  title: "base backup only",
  refuse(facts) {
    if (facts.target.request.target.kind !== "immediate") {
      return {
        refusal: "unfit-method",
        message: "a base backup alone has only its own end to offer",
        next: "Choose --immediate, or another method for a moment after it.",
      };
    }
    return refuseScratch(facts);
  },
  place: placeScratch,
  estimate: (facts) => estimateRecovery(facts, false),
};
