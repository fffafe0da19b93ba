import { notAsked, type Check } from "../check.ts";

/** What a role needs that is no superuser, with the line that grants it. */
const needs: readonly {
  readonly what: string;
  readonly test: string;
  readonly grant: string;
  readonly since?: number;
  readonly before?: number;
}[] = [
  {
    what: "attribute REPLICATION",
    test: "(select rolreplication from pg_roles where rolname = current_user)",
    grant: "ALTER ROLE {role} REPLICATION;",
  },
  {
    what: "pg_monitor",
    test: "pg_has_role(current_user, 'pg_monitor', 'usage')",
    grant: "GRANT pg_monitor TO {role};",
  },
  {
    what: "pg_checkpoint",
    test: "pg_has_role(current_user, 'pg_checkpoint', 'usage')",
    grant: "GRANT pg_checkpoint TO {role};",
    since: 15,
  },
  {
    what: "pg_backup_start",
    test: "has_function_privilege('pg_backup_start(text, boolean)', 'execute')",
    grant: "GRANT EXECUTE ON FUNCTION pg_backup_start(text, boolean) TO {role};",
    since: 15,
  },
  {
    what: "pg_backup_stop",
    test: "has_function_privilege('pg_backup_stop(boolean)', 'execute')",
    grant: "GRANT EXECUTE ON FUNCTION pg_backup_stop(boolean) TO {role};",
    since: 15,
  },
  {
    what: "pg_start_backup",
    test: "has_function_privilege('pg_start_backup(text, boolean, boolean)', 'execute')",
    grant: "GRANT EXECUTE ON FUNCTION pg_start_backup(text, boolean, boolean) TO {role};",
    before: 15,
  },
  {
    what: "pg_stop_backup",
    test: "has_function_privilege('pg_stop_backup(boolean, boolean)', 'execute')",
    grant: "GRANT EXECUTE ON FUNCTION pg_stop_backup(boolean, boolean) TO {role};",
    before: 15,
  },
  {
    what: "pg_switch_wal",
    test: "has_function_privilege('pg_switch_wal()', 'execute')",
    grant: "GRANT EXECUTE ON FUNCTION pg_switch_wal() TO {role};",
  },
  {
    what: "pg_create_restore_point",
    test: "has_function_privilege('pg_create_restore_point(text)', 'execute')",
    grant: "GRANT EXECUTE ON FUNCTION pg_create_restore_point(text) TO {role};",
  },
];

/** The lines that grant a role of that major version what it needs, `{role}` standing for its name. */
export function backupRights(major: number): readonly string[] {
  return needs
    .filter((need) => major >= (need.since ?? 0) && major < (need.before ?? 1000))
    .map(({ grant }) => grant)
    .filter((grant) => !grant.startsWith("ALTER ROLE"));
}

/** Whether the role may do what backups and first moves do. */
export const check: Check = {
  id: "rights",
  title: "The role may take backups",
  ask: async ({ server }) => {
    if (server.state !== "up") return notAsked(server);
    const { sql, user, identity } = server;
    const [who] = await sql.query<{ super: boolean }>(
      "select rolsuper as super from pg_roles where rolname = current_user",
    );
    if (who?.super === true) return { result: "pass", evidence: `${user} is a superuser` };
    const major = Math.floor(identity.version / 10_000);
    const asked = needs.filter((need) => major >= (need.since ?? 0) && major < (need.before ?? 1000));
    const [row] = await sql.query<Record<string, boolean | null>>(
      `select ${asked.map((need, at) => `${need.test} as "n${at}"`).join(", ")}`,
    );
    const missing = asked.filter((_, at) => row?.[`n${at}`] !== true);
    if (missing.length === 0) return { result: "pass", evidence: `${user} has every right that backups need` };
    const role = `"${user.replaceAll('"', '""')}"`;
    const lines = missing.map((need) => need.grant.replace("{role}", role));
    return {
      result: "fail",
      evidence: `${user} lacks ${missing.map((need) => need.what).join(", ")}`,
      mend: `As a superuser run: ${lines.join(" ")}`,
      data: { sql: lines },
    };
  },
};
