import type { StepRegistry } from "../step.ts";

/** Every kind of step that runbooks may name. */
export const steps = {
  "recovery.preflight": () => import("./recovery-preflight.ts"),
  "application.stop": () => import("./application-stop.ts"),
  "server.stop": () => import("./server-stop.ts"),
  "wal.save": () => import("./wal-save.ts"),
  "data.move-aside": () => import("./data-move-aside.ts"),
  "restore.files": () => import("./restore-files.ts"),
  "verify.manifest": () => import("./verify-manifest.ts"),
  "recovery.configure": () => import("./recovery-configure.ts"),
  "recovery.replay": () => import("./recovery-replay.ts"),
  "recovery.promote": () => import("./recovery-promote.ts"),
  "fence.remove": () => import("./fence-remove.ts"),
  "recovery.tidy": () => import("./recovery-tidy.ts"),
  "verify.started": () => import("./verify-started.ts"),
  "verify.amcheck": () => import("./verify-amcheck.ts"),
  "verify.checksums": () => import("./verify-checksums.ts"),
  "verify.sql": () => import("./verify-sql.ts"),
  "verify.counts": () => import("./verify-counts.ts"),
  "verify.smoke": () => import("./verify-smoke.ts"),
  "server.start": () => import("./server-start.ts"),
  "archiving.resume": () => import("./archiving-resume.ts"),
  "application.start": () => import("./application-start.ts"),
  "backup.preflight": () => import("./backup-preflight.ts"),
  "backup.base": () => import("./backup-base.ts"),
  "backup.verify": () => import("./backup-verify.ts"),
} satisfies StepRegistry;
