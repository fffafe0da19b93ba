import { messageOf } from "../../../../domain/errors.ts";
import { isProvidersRole, roleStatements, statementsFor } from "../../../../domain/globals-sql.ts";
import type { DumpReader } from "../../../../ports/dump.ts";
import type { Sql } from "../../../../ports/sql.ts";
import type { Report } from "../../backup/taking.ts";
import type { TargetFacts } from "./target-facts.ts";

/** Roles of the dump that the server lacks, in order; null: the dump has none with it. */
export async function missingRolesIn(
  reader: DumpReader,
  facts: Pick<TargetFacts, "roles">,
): Promise<readonly string[] | null> {
  const text = await reader.globals();
  if (text === null) return null;
  const made = roleStatements(text).flatMap(({ kind, role }) => (kind === "create" && role !== null ? [role] : []));
  return [...new Set(made)].filter((role) => !facts.roles.has(role) && !isProvidersRole(role));
}

/** Makes the roles that the server lacks, one statement after the other; one that fails is told and does not stop the rest. */
export async function makeRoles(sql: Sql, reader: DumpReader, facts: TargetFacts, report: Report): Promise<void> {
  const missing = new Set((await missingRolesIn(reader, facts)) ?? []);
  const statements = roleStatements((await reader.globals()) ?? "");
  for (const statement of statementsFor(statements, missing, facts)) {
    try {
      await sql.query(statement);
    } catch (error) {
      // Never the statement itself: it may hold a password's hash.
      report.log("warn", `${statement.split(/\s+/).slice(0, 3).join(" ")}: ${messageOf(error)}`);
    }
  }
}
