import { messageOf, PgrescueError } from "../../../domain/errors.ts";
import { formatBytes } from "../../../domain/quantity.ts";
import type { Finding, Verdict } from "../../../domain/verdict.ts";
import type { DumpRequest } from "../../../ports/dump.ts";
import type { Sql } from "../../../ports/sql.ts";
import { spaceFor } from "../backup/space.ts";
import { findClient } from "./client-programs.ts";
import { chooseDatabases, readDumpFacts, type DatabaseFacts, type DumpFacts } from "./dump-facts.ts";
import type { DumpTakerOptions } from "./take-dump.ts";

/** Looks at server, programs and repository before a dump. Never throws: what cannot be asked is `unknown` or `fail`. */
export async function examineDump(options: DumpTakerOptions, request: DumpRequest): Promise<readonly Verdict[]> {
  let sql: Sql;
  try {
    sql = await options.sql.connect(await options.connection(request.cluster));
  } catch (error) {
    return [failed("server", "The server answers", error, "Start the server, or correct the cluster's connection.")];
  }
  try {
    const facts = await readDumpFacts(sql);
    const verdicts: Verdict[] = [
      judged("server", "The server answers", "pass", serverWords(facts)),
      await client(options, request, facts),
    ];
    const databases = choice(facts, request);
    if ("result" in databases) return [...verdicts, databases];
    return [
      ...verdicts,
      judged(
        "databases",
        "The databases can be dumped",
        "pass",
        databases.map(({ name, bytes }) => `${name} (${formatBytes(bytes)})`).join(", "),
      ),
      facts.mayReadPasswords
        ? judged("globals", "Roles are dumped with their passwords", "pass", "the role may read pg_authid")
        : judged(
            "globals",
            "Roles are dumped with their passwords",
            "warn",
            "the role may not read pg_authid, as on managed servers: roles come without passwords",
            "Keep the passwords elsewhere, or dump as a superuser.",
          ),
      ...(await repository(options, request, databases)),
    ];
  } catch (error) {
    return [failed("server", "The server answers", error)];
  } finally {
    await sql.close();
  }
}

function serverWords({ version, systemIdentifier, inRecovery }: DumpFacts): string {
  const system = systemIdentifier === "" ? "it does not tell its system identifier" : `system ${systemIdentifier}`;
  return `PostgreSQL ${version}, ${system}, ${inRecovery ? "standby" : "primary"}`;
}

async function client(options: DumpTakerOptions, request: DumpRequest, facts: DumpFacts): Promise<Verdict> {
  const title = "pg_dump is not older than the server";
  try {
    const found = await findClient(options.shell, options.environment, facts.major, request.binaries);
    return judged("client", title, "pass", `version ${found.major} in ${found.bin}, the server is ${facts.major}`);
  } catch (error) {
    return failed("client", title, error);
  }
}

function choice(facts: DumpFacts, request: DumpRequest): readonly DatabaseFacts[] | Verdict {
  try {
    return chooseDatabases(facts, request);
  } catch (error) {
    return failed("databases", "The databases can be dumped", error);
  }
}

async function repository(
  options: DumpTakerOptions,
  request: DumpRequest,
  databases: readonly DatabaseFacts[],
): Promise<readonly Verdict[]> {
  const title = "The repository can be written";
  try {
    const opened = await options.repository(request.repository);
    if (opened.beginDump === undefined || opened.readOnly)
      return [judged("repository", title, "fail", `${opened.url} is only read`, "Choose another repository.")];
    const space = await spaceFor(
      opened.url,
      databases.reduce((sum, { bytes }) => sum + bytes, 0),
    );
    const writable = judged("repository", title, "pass", `${opened.format} repository at ${opened.url}`);
    return space === null ? [writable] : [writable, space];
  } catch (error) {
    return [failed("repository", title, error, "Check the repository's URL and whether its storage is there.")];
  }
}

function failed(check: string, title: string, error: unknown, mend?: string): Verdict {
  const said = error instanceof PgrescueError ? error.next : undefined;
  return judged(check, title, "fail", messageOf(error), said ?? mend);
}

function judged(check: string, title: string, result: Finding, evidence: string, mend?: string): Verdict {
  return { check, title, result, evidence, ...(mend === undefined ? {} : { mend }) };
}
