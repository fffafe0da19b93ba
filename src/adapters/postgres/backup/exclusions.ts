/**
 * What a base backup leaves out, after PostgreSQL's own list (src/backend/backup/basebackup.c; manual, 26.3.4.3): things
 * that belong to the running server and would be wrong, or refused, in a restored one.
 */

/** Directories whose content is left out; they are kept, empty. Paths below the data directory. */
const emptied = new Set([
  "pg_wal",
  "pg_replslot",
  "pg_dynshmem",
  "pg_notify",
  "pg_serial",
  "pg_snapshots",
  "pg_stat_tmp",
  "pg_subtrans",
]);

/** Directories inside emptied ones that the server expects to find. */
export const keptInsidePgWal: readonly string[] = ["archive_status", "summaries"];

const leftOut = new Set([
  "postmaster.pid",
  "postmaster.opts",
  "backup_label",
  "backup_label.old",
  "tablespace_map",
  "tablespace_map.old",
  "backup_manifest",
  "current_logfiles",
  "current_logfiles.tmp",
  "postgresql.auto.conf.tmp",
  "pg_control.tmp",
  ".DS_Store",
  // A file system's own, where the directory is a mount point.
  "lost+found",
]);

/** Whether the directory's content is left out. `path` is relative to the data directory. */
export function isEmptied(path: string): boolean {
  return emptied.has(path);
}

/** Whether a file or directory with this name is left out wherever it is. */
export function isLeftOut(name: string): boolean {
  return (
    leftOut.has(name) ||
    name.startsWith("pgsql_tmp") ||
    name.startsWith("pg_internal.init") ||
    name.startsWith(".pgrescue")
  );
}

/** Whether the directory holds one database's relations. `path`: relative to the data directory. */
export function isDatabaseDirectory(path: string): boolean {
  return /^base\/\d+$/.test(path) || /^pg_tblspc\/\d+\/PG_[^/]+\/\d+$/.test(path);
}
