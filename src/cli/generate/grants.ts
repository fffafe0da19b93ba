import { PgrescueError } from "../../domain/errors.ts";
import { backupRights } from "../../engine/checks/rights.ts";
import { quoteName } from "../../domain/sql-name.ts";
import type { Topic } from "./topic.ts";

/** SQL that makes a role which may take backups and dumps and nothing more. */
export const grants: Topic = {
  summary: "SQL for a role that may take backups, and no superuser",
  examples: ["pgrescue generate grants --user pgrescue --major 15 | psql -X postgres"],
  run: async (args, terminal) => {
    const major = Number(args.string("major") ?? "15");
    if (!Number.isInteger(major) || major < 12 || major > 30)
      throw new PgrescueError("usage", `--major ${args.string("major")} is no version`, { next: "Give one like 15." });
    const role = quoteName(args.string("user") ?? "pgrescue");
    const print = (line: string): void => terminal.print(line);
    print(
      `-- A role of PostgreSQL ${major} that backs up and watches; run it as a superuser. Give it a password with \\password.`,
    );
    print("BEGIN;");
    print(`CREATE ROLE ${role} LOGIN REPLICATION;`);
    for (const grant of backupRights(major)) print(grant.replaceAll("{role}", role));
    print("-- For dumps: everything can be read, row-level security notwithstanding.");
    print(
      major >= 14
        ? `GRANT pg_read_all_data TO ${role};`
        : `-- before version 14 grant SELECT on every schema's tables and sequences to ${role}`,
    );
    print(`ALTER ROLE ${role} BYPASSRLS;`);
    print("COMMIT;");
    print("-- In pg_hba.conf, for backups through the replication protocol:");
    print(`--   hostssl replication ${role} <address>/32 scram-sha-256`);
    return Promise.resolve(0);
  },
};
