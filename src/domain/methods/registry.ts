import type { RecoveryInputs } from "../plan.ts";
import { method as baseBackupOnly } from "./base-backup-only.ts";
import type { RecoveryMethod } from "./method.ts";
import { method as restoreToScratch } from "./restore-to-scratch.ts";
import { method as rewindInPlace } from "./rewind-in-place.ts";

/** Every recovery method by its id, the default first. */
export const methods = {
  "restore-to-scratch": restoreToScratch,
  "rewind-in-place": rewindInPlace,
  "base-backup-only": baseBackupOnly,
} satisfies Record<RecoveryInputs["method"], RecoveryMethod>;
