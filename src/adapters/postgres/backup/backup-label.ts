import { PgrescueError } from "../../../domain/errors.ts";
import { parseLsn, type Lsn } from "../../../domain/lsn.ts";
import type { TimelineId } from "../../../domain/segment.ts";

export interface BackupLabel {
  /** REDO point of the backup's checkpoint: replay begins here. */
  readonly startLsn: Lsn;
  readonly timeline: TimelineId;
}

/** Reads backup_label (PostgreSQL 11 and newer say START TIMELINE). Throws `external-failure` when it is not one. */
export function parseBackupLabel(text: string): BackupLabel {
  const startLsn = parseLsn(/^START WAL LOCATION: ([0-9A-F]+\/[0-9A-F]+) /im.exec(text)?.[1] ?? "");
  const timeline = Number(/^START TIMELINE: (\d+)$/m.exec(text)?.[1] ?? "0");
  if (startLsn === null || timeline === 0)
    throw new PgrescueError(
      "external-failure",
      `the server's backup_label cannot be read: ${JSON.stringify(text.slice(0, 200))}`,
    );
  return { startLsn, timeline };
}
