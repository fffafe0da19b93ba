import { formatInstant } from "../../../domain/instant.ts";
import { lsn } from "../../../domain/lsn.ts";
import type { RecoveryPoint } from "../../../domain/recovery-point.ts";
import { segmentName, segmentOf, type SegmentNumber } from "../../../domain/segment.ts";
import { majorOfMagic } from "../../../domain/wal-magic.ts";
import type { BackupFacts } from "./facts.ts";
import type { PlainBackup, PlainDump } from "./scan.ts";

/** A base backup as a recovery point; what is not known of it makes it not restorable, with the reason. */
export function pointOfBackup(
  backup: PlainBackup,
  facts: BackupFacts,
  place: { readonly repository: string; readonly cluster: string },
): RecoveryPoint {
  const { label } = backup;
  const reason = whyNot(backup, facts);
  const startedAt = label.startedAt ?? backup.modifiedAt;
  const stopLsn = facts.stopLsn ?? label.startLsn;
  return {
    ...place,
    id: backup.id,
    kind: "base",
    format: "plain",
    status: reason === null ? "ok" : "not-restorable",
    ...(reason === null ? {} : { reason }),
    systemIdentifier: facts.systemIdentifier ?? "",
    postgresVersion: (majorOfMagic(facts.magic ?? 0) ?? 0) * 10_000,
    timeline: label.timeline,
    startedAt,
    finishedAt: facts.finishedAt ?? (backup.modifiedAt > startedAt ? backup.modifiedAt : startedAt),
    startLsn: label.startLsn,
    stopLsn,
    segmentSize: facts.segmentSize,
    bytes: facts.manifest?.bytes ?? backup.storedBytes,
    storedBytes: backup.storedBytes,
    encrypted: false,
    tablespaces: backup.tablespaces.map(({ oid, location }) => ({ oid, name: String(oid), location, bytes: 0 })),
    walIncluded: includesWal(backup, facts),
  };
}

function whyNot(backup: PlainBackup, facts: BackupFacts): string | null {
  if (facts.systemIdentifier === null) return "nothing in it says which system it is of";
  if (facts.stopLsn === null)
    return "nothing says where it ends: there is neither a backup_manifest, nor its .backup file in the archive, nor a pg_wal.tar";
  const missing = backup.tablespaces.filter((space) => space.key === null).map(({ oid }) => oid);
  const listed = [...(facts.manifest?.tablespaces ?? [])].filter(
    (oid) => !backup.tablespaces.some((space) => space.oid === oid),
  );
  const gone = [...missing, ...listed];
  if (gone.length > 0)
    return `the files of ${gone.length === 1 ? "tablespace" : "tablespaces"} ${gone.join(", ")} are not here`;
  if (facts.missing !== null) return `the copy is not whole: ${facts.missing} is missing or has another size`;
  if (majorOfMagic(facts.magic ?? 0) === null) return "there is no WAL beside it that would tell PostgreSQL's version";
  return null;
}

function includesWal({ label }: PlainBackup, { ownWal, stopLsn, segmentSize }: BackupFacts): boolean {
  if (ownWal.size === 0 || stopLsn === null) return false;
  const last = segmentOf(lsn(stopLsn > label.startLsn ? stopLsn - 1n : stopLsn), segmentSize);
  for (let at = segmentOf(label.startLsn, segmentSize); at <= last; at = (at + 1n) as SegmentNumber)
    if (!ownWal.has(segmentName(label.timeline, at, segmentSize))) return false;
  return true;
}

/** A dump as a point: it is of no system's WAL, and no physical recovery begins with it. */
export function pointOfDump(
  dump: PlainDump,
  place: { readonly repository: string; readonly cluster: string },
): RecoveryPoint {
  return {
    ...place,
    id: dump.id,
    kind: "dump",
    format: "plain",
    status: "ok",
    systemIdentifier: "",
    postgresVersion: versionOf(dump.serverVersion),
    timeline: 0,
    startedAt: dump.modifiedAt,
    finishedAt: dump.modifiedAt,
    startLsn: lsn(0n),
    stopLsn: lsn(0n),
    segmentSize: 0,
    ...(dump.database === null ? {} : { databases: [dump.database] }),
    bytes: dump.storedBytes,
    storedBytes: dump.storedBytes,
    encrypted: false,
    tablespaces: [],
    walIncluded: false,
  };
}

/** `15.4 (Debian 15.4-1)` as server_version_num; 0 where it is not said. */
function versionOf(text: string | null): number {
  const m = /^(\d+)(?:\.(\d+))?/.exec(text ?? "");
  return m === null ? 0 : Number(m[1]) * 10_000 + Number(m[2] ?? 0);
}

/** What tells a backup from another one with the same id: kept by an unfinished restore. */
export function fingerprintOf(backup: PlainBackup): string {
  return `${backup.label.startLsn} ${formatInstant(backup.modifiedAt)} ${backup.storedBytes}`;
}
