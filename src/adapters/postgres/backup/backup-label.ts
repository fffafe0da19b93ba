import { readBackupLabel, type BackupLabel } from "../../../domain/backup-label.ts";
import { PgrescueError } from "../../../domain/errors.ts";

/** Reads the backup_label that the server gave. Throws `external-failure` when it is not one. */
export function parseBackupLabel(text: string): BackupLabel {
  const label = readBackupLabel(text);
  if (label !== null) return label;
  throw new PgrescueError(
    "external-failure",
    `the server's backup_label cannot be read: ${JSON.stringify(text.slice(0, 200))}`,
  );
}
