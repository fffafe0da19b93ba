import type { Check } from "../check.ts";

/** Every check; its module is loaded when it is asked. */
export const checks = {
  server: () => import("./server.ts"),
  "right-host": () => import("./right-host.ts"),
  "wal-level": () => import("./wal-level.ts"),
  "archive-mode": () => import("./archive-mode.ts"),
  "archive-command": () => import("./archive-command.ts"),
  "archive-timeout": () => import("./archive-timeout.ts"),
  archiver: () => import("./archiver.ts"),
  "archiver-queue": () => import("./archiver-queue.ts"),
  "wal-senders": () => import("./wal-senders.ts"),
  slots: () => import("./slots.ts"),
  checksums: () => import("./checksums.ts"),
  rights: () => import("./rights.ts"),
  tools: () => import("./tools.ts"),
  space: () => import("./space.ts"),
  clock: () => import("./clock.ts"),
  repositories: () => import("./repositories.ts"),
  writing: () => import("./writing.ts"),
  "newest-backup": () => import("./newest-backup.ts"),
  "backup-size": () => import("./backup-size.ts"),
  copies: () => import("./copies.ts"),
  locks: () => import("./locks.ts"),
  key: () => import("./key.ts"),
  windows: () => import("./windows.ts"),
  "server-log": () => import("./server-log.ts"),
  "second-primary": () => import("./second-primary.ts"),
  "must-not": () => import("./must-not.ts"),
} satisfies Record<string, () => Promise<{ check: Check }>>;

export type CheckName = keyof typeof checks;

/** Is the set-up sound: what `doctor` asks, in the order it is shown. */
export const doctorChecks: readonly CheckName[] = [
  "server",
  "right-host",
  "wal-level",
  "archive-mode",
  "archive-command",
  "archive-timeout",
  "archiver",
  "archiver-queue",
  "wal-senders",
  "slots",
  "checksums",
  "rights",
  "tools",
  "space",
  "clock",
  "repositories",
  "writing",
  "newest-backup",
  "backup-size",
  "copies",
  "locks",
  "key",
  "windows",
];

/** What is the case: what the phase assess asks, in the order it is shown. */
export const assessChecks: readonly CheckName[] = [
  "right-host",
  "server",
  "server-log",
  "second-primary",
  "archiver",
  "archiver-queue",
  "repositories",
  "windows",
  "newest-backup",
  "key",
  "space",
  "must-not",
];

/** Loads checks by name, in that order. */
export async function loadChecks(names: readonly CheckName[]): Promise<readonly Check[]> {
  return await Promise.all(names.map(async (name) => (await checks[name]()).check));
}
