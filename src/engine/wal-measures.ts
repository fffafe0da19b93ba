import { parseInstant, type Instant } from "../domain/instant.ts";
import { segmentNumberOf } from "../domain/segment.ts";
import type { CheckContext } from "./check.ts";

/** WAL files that wait for the archive, by archive_status on this host or by asking the server (which needs pg_monitor); null: not known. */
export async function readySegments({ directory, files, server }: CheckContext): Promise<number | null> {
  const names = directory?.kind === "cluster" ? await files.list(`${directory.path}/pg_wal/archive_status`) : null;
  if (names !== null) return names.filter((name) => name.endsWith(".ready")).length;
  if (server.state !== "up") return null;
  const [row] = await server.sql.query<{ count: string }>(
    "select count(*)::text as count from pg_ls_archive_statusdir() where name like '%.ready'",
  );
  return row === undefined ? null : Number(row.count);
}

/** WAL segments that are missing between stored ones, in all repositories; null: not known. */
export function missingSegments({ survey }: CheckContext): number | null {
  if (survey === null) return null;
  const size = survey.points.find((p) => p.segmentSize > 0)?.segmentSize ?? 16 * 1024 * 1024;
  return survey.holes.reduce((sum, hole) => {
    const [from, to] = [segmentNumberOf(hole.fromSegment, size), segmentNumberOf(hole.toSegment, size)];
    return sum + (from === null || to === null ? 1 : Number(to - from) + 1);
  }, 0);
}

/** When the server last archived a WAL file, by its own word; null: never since its statistics began, or not known. */
export async function lastArchivedAt({ server }: CheckContext): Promise<Instant | null> {
  if (server.state !== "up") return null;
  const [row] = await server.sql.query<{ at: string | null }>(
    `select to_char(last_archived_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at from pg_catalog.pg_stat_archiver`,
  );
  return row?.at == null ? null : parseInstant(row.at);
}

/** What a segment may hold that nobody has written anything to: its header, a checkpoint, a list of transactions. */
const quietBytes = 1024;

/**
 * Seconds since the server last archived, where it has written something since: what would be lost with its disk, at the
 * most. 0 where it has not, however long ago that was; null where it is not known: no server, a standby, nothing archived yet.
 */
export async function unarchivedSeconds({ server }: CheckContext): Promise<number | null> {
  if (server.state !== "up") return null;
  const [row] = await server.sql.query<{
    wal: string | null;
    age: number | null;
    now: string | null;
    bytes: string;
    size: string;
  }>(
    `select last_archived_wal as wal, extract(epoch from clock_timestamp() - last_archived_time)::float8 as age,
            case when pg_is_in_recovery() then null else pg_walfile_name(pg_current_wal_insert_lsn()) end as now,
            case when pg_is_in_recovery() then '0' else ((pg_current_wal_insert_lsn() - '0/0') % size)::text end as bytes,
            size::text as size
     from pg_catalog.pg_stat_archiver, (select setting::bigint as size from pg_catalog.pg_settings where name = 'wal_segment_size') s`,
  );
  if (row === undefined || row.wal === null || row.age === null || row.now === null) return null;
  const size = Number(row.size);
  const [archived, writing] = [segmentNumberOf(row.wal, size), segmentNumberOf(row.now, size)];
  if (archived === null || writing === null) return row.age;
  const isQuiet = writing <= archived + 1n && Number(row.bytes) < quietBytes;
  return isQuiet ? 0 : row.age;
}
