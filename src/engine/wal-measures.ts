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
