import { parseInstant, type Instant } from "./instant.ts";
import { parseLsn, type Lsn } from "./lsn.ts";
import type { TimelineId } from "./segment.ts";

/** What backup_label, and a .backup file in the archive, say of a base backup (PostgreSQL manual, 26.3.3). */
export interface BackupLabel {
  /** REDO point of the backup's checkpoint: replay begins here. */
  readonly startLsn: Lsn;
  readonly timeline: TimelineId;
  /** null where it is in a time zone whose offset is not known. */
  readonly startedAt: Instant | null;
  readonly label: string;
  /** Of .backup files only; null elsewhere. */
  readonly stopLsn: Lsn | null;
  readonly finishedAt: Instant | null;
}

/** Reads a backup_label or .backup file (PostgreSQL 11 and newer say START TIMELINE); null when it is none. */
export function readBackupLabel(text: string): BackupLabel | null {
  const startLsn = parseLsn(/^START WAL LOCATION: ([0-9A-F]+\/[0-9A-F]+) /im.exec(text)?.[1] ?? "");
  const timeline = Number(/^START TIMELINE: (\d+)$/m.exec(text)?.[1] ?? "0");
  if (startLsn === null || timeline === 0) return null;
  return {
    startLsn,
    timeline,
    startedAt: timeIn(text, "START TIME"),
    label: /^LABEL: (.*)$/m.exec(text)?.[1] ?? "",
    stopLsn: parseLsn(/^STOP WAL LOCATION: ([0-9A-F]+\/[0-9A-F]+) /im.exec(text)?.[1] ?? ""),
    finishedAt: timeIn(text, "STOP TIME"),
  };
}

/** Times are in the server's log_timezone, by its abbreviation: only those of UTC are unambiguous. */
function timeIn(text: string, field: string): Instant | null {
  const m = new RegExp(`^${field}: (\\S+ \\S+) (\\S+)$`, "m").exec(text);
  return m !== null && /^(?:UTC|GMT|Etc)$/.test(m[2] ?? "") ? parseInstant(`${m[1]} UTC`) : null;
}
