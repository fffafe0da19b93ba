import { notAsked, type Check } from "../check.ts";

/** Whether the archiver gets rid of what it has: its own statistics. */
export const check: Check = {
  id: "archiver",
  title: "Archiving works",
  ask: async ({ server }) => {
    if (server.state !== "up") return notAsked(server);
    const [row] = await server.sql.query<{
      archived: string | null;
      at: string | null;
      failed: string | null;
      failing: boolean;
      count: string;
      behind: string | null;
      mode: string;
    }>(
      `select last_archived_wal as archived, to_char(last_archived_time at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"') as at, last_failed_wal as failed,
         coalesce(last_failed_time > last_archived_time, last_failed_time is not null) as failing, failed_count::text as count,
         extract(epoch from clock_timestamp() - last_archived_time)::int::text as behind, current_setting('archive_mode') as mode
       from pg_stat_archiver`,
    );
    if (row === undefined) return { result: "unknown", evidence: "pg_stat_archiver is empty" };
    if (row.mode === "off") return { result: "skip", evidence: "archive_mode is off" };
    if (row.failing)
      return {
        result: "fail",
        evidence: `the last attempt failed at ${row.failed} (${row.count} failures); last stored: ${row.archived ?? "none ever"}`,
        mend: "Read the server's log for archive_command's output and mend the cause; never empty pg_wal or set archive_command to /bin/true.",
      };
    if (row.archived === null)
      return {
        result: "warn",
        evidence: "nothing was archived since the statistics began",
        mend: "Run `SELECT pg_switch_wal();` and look again.",
      };
    return { result: "pass", evidence: `last stored ${row.archived} at ${row.at}` };
  },
};
