import { hostname } from "node:os";
import { PgrescueError } from "../../domain/errors.ts";
import { instant, parseInstant } from "../../domain/instant.ts";
import type { ServerIdentity } from "../../ports/postgres.ts";
import type { ConnectionTarget, Sql } from "../../ports/sql.ts";

/** Asks a server who it is. Needs no rights beyond connecting; what is hidden from the role is null. */
export async function identify(sql: Sql, target?: ConnectionTarget): Promise<ServerIdentity> {
  const [row] = await sql.query<{
    address: string | null;
    local: boolean;
    port: string;
    standby: boolean;
    id: string;
    version: number;
    started: string;
    timeline: number;
    data: string | null;
    config: string | null;
    hba: string | null;
    ident: string | null;
  }>(
    `select host(inet_server_addr()) as address, coalesce(inet_server_addr() = inet_client_addr(), true) as local, current_setting('port') as port,
       pg_is_in_recovery() as standby, (select system_identifier::text from pg_control_system()) as id,
       current_setting('server_version_num')::int as version,
       to_char(pg_postmaster_start_time() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as started,
       (select timeline_id from pg_control_checkpoint()) as timeline,
       (select setting from pg_settings where name = 'data_directory') as data, (select setting from pg_settings where name = 'config_file') as config,
       (select setting from pg_settings where name = 'hba_file') as hba, (select setting from pg_settings where name = 'ident_file') as ident`,
  );
  if (row === undefined) throw new PgrescueError("bug", "the server answered a one-row query with none");
  return {
    host: row.local || target === undefined ? hostname() : target.host,
    address: row.address,
    port: Number(row.port),
    role: row.standby ? "standby" : "primary",
    systemIdentifier: row.id,
    version: row.version,
    dataDirectory: row.data,
    configFile: row.config,
    hbaFile: row.hba,
    identFile: row.ident,
    timeline: row.timeline,
    startedAt: parseInstant(row.started) ?? instant(0n),
  };
}
