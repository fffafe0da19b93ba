import { PgrescueError } from "../../../domain/errors.ts";
import type { Sql } from "../../../ports/sql.ts";

/** What a backup needs to know of the server. Settings that our role may not see are "". */
export interface ServerFacts {
  /** server_version_num. */
  readonly version: number;
  readonly major: number;
  readonly systemIdentifier: string;
  readonly inRecovery: boolean;
  readonly catalogVersion: number;
  readonly segmentSize: number;
  readonly blockSize: number;
  readonly dataChecksums: boolean;
  /** Seconds since 1970. */
  readonly postmasterStart: number;
  readonly dataDirectory: string;
  readonly walLevel: string;
  readonly archiveMode: string;
  readonly archiveCommand: string;
  readonly archiveLibrary: string;
  readonly maxWalSenders: number;
  readonly maxReplicationSlots: number;
  /** Whether our role may begin a backup by SQL, and whether it may use the replication protocol. */
  readonly mayStart: boolean;
  readonly mayReplicate: boolean;
  /** Bytes of all tablespaces; null when our role may not know. */
  readonly bytes: number | null;
}

/** Asks the server. Throws what the session throws, `precondition-refused` for servers older than 12. */
export async function readServerFacts(sql: Sql): Promise<ServerFacts> {
  const names = [
    "server_version_num",
    "data_checksums",
    "block_size",
    "wal_segment_size",
    "data_directory",
    "wal_level",
    "archive_mode",
    "archive_command",
    "archive_library",
    "max_wal_senders",
    "max_replication_slots",
  ];
  const settings = new Map(
    (
      await sql.query<{ name: string; setting: string }>(
        "select name, setting from pg_catalog.pg_settings where name = any(string_to_array($1, ','))",
        [names.join(",")],
      )
    ).map((row) => [row.name, row.setting]),
  );
  const setting = (name: string): string => settings.get(name) ?? "";
  const version = Number(setting("server_version_num"));
  const major = Math.floor(version / 10_000);
  if (major < 12)
    throw new PgrescueError(
      "precondition-refused",
      `the server is PostgreSQL ${major}; backups are taken of 12 and newer`,
    );
  const start =
    major >= 15 ? "pg_catalog.pg_backup_start(text, boolean)" : "pg_catalog.pg_start_backup(text, boolean, boolean)";
  const [row] = await sql.query<{
    system: string;
    catalog: number;
    recovery: boolean;
    started: number;
    may_start: boolean;
    may_replicate: boolean;
  }>(
    `select c.system_identifier::text as system, c.catalog_version_no as catalog, pg_catalog.pg_is_in_recovery() as recovery,
       extract(epoch from pg_catalog.pg_postmaster_start_time())::float8 as started,
       pg_catalog.has_function_privilege($1, 'execute') as may_start, r.rolsuper or r.rolreplication as may_replicate
     from pg_catalog.pg_control_system() c, pg_catalog.pg_roles r where r.rolname = current_user`,
    [start],
  );
  if (row === undefined) throw new PgrescueError("external-failure", "the server did not say who it is");
  return {
    version,
    major,
    systemIdentifier: row.system,
    inRecovery: row.recovery,
    catalogVersion: row.catalog,
    segmentSize: Number(setting("wal_segment_size")),
    blockSize: Number(setting("block_size")),
    dataChecksums: setting("data_checksums") === "on",
    postmasterStart: row.started,
    dataDirectory: setting("data_directory"),
    walLevel: setting("wal_level"),
    archiveMode: setting("archive_mode"),
    archiveCommand: setting("archive_command"),
    archiveLibrary: setting("archive_library"),
    maxWalSenders: Number(setting("max_wal_senders")),
    maxReplicationSlots: Number(setting("max_replication_slots")),
    mayStart: row.may_start,
    mayReplicate: row.may_replicate,
    bytes: await tablespaceBytes(sql),
  };
}

async function tablespaceBytes(sql: Sql): Promise<number | null> {
  try {
    const [row] = await sql.query<{ bytes: string | null }>(
      "select sum(pg_catalog.pg_tablespace_size(oid))::text as bytes from pg_catalog.pg_tablespace",
    );
    return row?.bytes == null ? null : Number(row.bytes);
  } catch {
    // Only for the progress bar; a role without the right to know still can take the backup.
    return null;
  }
}

/** Whether the server archives its WAL at all. On a standby that says nothing about the primary. */
export function isArchiving(facts: ServerFacts): boolean {
  if (facts.archiveMode !== "on" && facts.archiveMode !== "always") return false;
  return facts.archiveLibrary !== "" || (facts.archiveCommand !== "" && facts.archiveCommand !== "(disabled)");
}
