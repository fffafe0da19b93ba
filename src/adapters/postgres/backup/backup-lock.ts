import { PgrescueError } from "../../../domain/errors.ts";
import type { Sql } from "../../../ports/sql.ts";

/** "pgrescue" in ASCII as a 64-bit number: the advisory lock that one backup of a server holds. */
const high = 0x70677265;
const low = 0x73637565;

/**
 * Takes the server's backup lock for as long as the session lives, so that two hosts do not back one server up at once.
 * Throws `locked`. Advisory locks belong to a database, so other databases are looked at as well.
 */
export async function lockBackups(sql: Sql): Promise<void> {
  const [own] = await sql.query<{ locked: boolean }>(
    `select pg_catalog.pg_try_advisory_lock((${high}::int8 << 32) | ${low}::int8) as locked`,
  );
  const [other] = await sql.query<{ pid: number; client: string | null }>(
    `select l.pid, a.client_addr::text as client from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a using (pid)
     where l.locktype = 'advisory' and l.classid = ${high} and l.objid = ${low} and l.granted and l.pid <> pg_catalog.pg_backend_pid() limit 1`,
  );
  if (own?.locked === true && other === undefined) return;
  const who =
    other === undefined ? "" : ` (server process ${other.pid}${other.client === null ? "" : `, from ${other.client}`})`;
  throw new PgrescueError("locked", `another pgrescue is backing this server up${who}`, {
    next: "Wait for the other backup, or end its session with pg_terminate_backend().",
  });
}
