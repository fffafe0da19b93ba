import { isPartial, type DumpCatalog, type DumpedDatabase } from "../../../../domain/dump.ts";
import { messageOf, PgrescueError } from "../../../../domain/errors.ts";
import type { Finding, Verdict } from "../../../../domain/verdict.ts";
import type { DumpReader } from "../../../../ports/dump.ts";
import type { DumpRestoreRequest } from "../../../../ports/dump-restore.ts";
import type { Sql } from "../../../../ports/sql.ts";
import { findClient } from "../client-programs.ts";
import type { DumpRestorerOptions } from "./dump-restorer.ts";
import { newDatabaseIn } from "./new-database.ts";
import { databaseOf } from "./database-of.ts";
import { missingRolesIn } from "./roles.ts";
import { spaceForStaging } from "./staging.ts";
import { readTargetFacts, type TargetFacts } from "./target-facts.ts";

/** Looks at dump, programs and the server that it goes to. Never throws: what cannot be asked is `unknown` or `fail`. */
export async function examineRestore(
  options: DumpRestorerOptions,
  request: DumpRestoreRequest,
  reader: DumpReader,
): Promise<readonly Verdict[]> {
  const found: Verdict[] = [];
  let source: DumpedDatabase;
  let catalog: DumpCatalog | null;
  try {
    source = databaseOf(reader, request.sourceDatabase);
    catalog = await reader.catalog(source);
    found.push(dumpWords(source, catalog));
  } catch (error) {
    return [failed("dump", "The dump can be read", error)];
  }
  let sql: Sql;
  try {
    sql = await options.sql.connect(await options.target(request.into));
  } catch (error) {
    return [...found, failed("target", "The server answers", error)];
  }
  try {
    const facts = await readTargetFacts(sql);
    found.push(
      server(facts),
      version(facts, reader),
      await programs(options, request, facts, reader),
      rights(facts),
      await room(sql, request, facts),
      extensions(facts, catalog),
      await locale(sql, catalog),
      await roles(request, reader, facts),
    );
    if (request.swap !== null) found.push(keptName(request.swap.old, facts));
    if (request.staging !== null) found.push(await spaceForStaging(request.staging, reader));
    return found;
  } catch (error) {
    return [...found, failed("target", "The server answers", error)];
  } finally {
    await sql.close();
  }
}

function dumpWords(source: DumpedDatabase, catalog: DumpCatalog | null): Verdict {
  const title = "The dump can be read";
  const part = isPartial(source.filters) ? ", a part of it" : "";
  if (catalog === null)
    return judged(
      "dump",
      title,
      "pass",
      `database ${source.name || "of unknown name"} (${source.format})${part}; it does not say what is in it`,
    );
  return judged("dump", title, "pass", `database ${source.name}${part}, ${catalog.tables.length} tables`);
}

function server({ version: number, user, superuser, inRecovery }: TargetFacts): Verdict {
  const title = "The server can be written to";
  if (inRecovery)
    return judged("target", title, "fail", "it is a standby", "Restore into its primary, or another server.");
  return judged("target", title, "pass", `PostgreSQL ${number}, as ${user}${superuser ? ", a superuser" : ""}`);
}

function version(facts: TargetFacts, { point }: DumpReader): Verdict {
  const title = "The server is not older than the one that was dumped";
  const from = Math.floor(point.postgresVersion / 10_000);
  if (from === 0) return judged("version", title, "unknown", "the dump does not say which version it is of");
  return facts.major >= from
    ? judged("version", title, "pass", `from ${from} into ${facts.major}`)
    : judged(
        "version",
        title,
        "warn",
        `from ${from} into ${facts.major}: what the older one does not know fails and is told`,
        "Restore into a server of the same or a newer version.",
      );
}

async function programs(
  options: DumpRestorerOptions,
  request: DumpRestoreRequest,
  facts: TargetFacts,
  { point, clientVersion }: DumpReader,
): Promise<Verdict> {
  const title = "pg_restore can read the archive";
  const needed = Math.max(facts.major, Math.floor((clientVersion ?? point.postgresVersion) / 10_000));
  try {
    const client = await findClient(options.shell, options.environment, needed, request.binaries);
    return judged("programs", title, "pass", `version ${client.major} in ${client.bin}`);
  } catch (error) {
    return failed("programs", title, error);
  }
}

function rights(facts: TargetFacts): Verdict {
  const title = "The role may create databases";
  return facts.mayCreateDatabases
    ? judged("rights", title, "pass", facts.superuser ? "it is a superuser" : "it has CREATEDB")
    : judged(
        "rights",
        title,
        "fail",
        `${facts.user} has no CREATEDB`,
        `Run ALTER ROLE ${facts.user} CREATEDB as a superuser; on Azure as a member of azure_pg_admin.`,
      );
}

async function room(sql: Sql, request: DumpRestoreRequest, facts: TargetFacts): Promise<Verdict> {
  const title = "The new database's name is free";
  const state = await newDatabaseIn(sql, request);
  if (state === "others")
    return judged(
      "name",
      title,
      "fail",
      `there is a database ${request.database}`,
      "Choose another name with --database; exchange the two afterwards with --swap.",
    );
  return judged(
    "name",
    title,
    "pass",
    state === "absent" ? `${request.database}; ${facts.databases.size} others` : "this run has begun it",
  );
}

function keptName(old: string, { databases }: TargetFacts): Verdict {
  const title = "The name under which the old database is kept is free";
  if (!databases.has(old)) return judged("kept-name", title, "pass", old);
  return judged(
    "kept-name",
    title,
    "fail",
    `there is a database ${old}`,
    "Rename it, or restore again: the name says when.",
  );
}

function extensions(facts: TargetFacts, catalog: DumpCatalog | null): Verdict {
  const title = "The server has the extensions";
  if (catalog === null) return judged("extensions", title, "unknown", "the dump does not say which it needs");
  const missing = catalog.extensions.filter(({ name }) => !facts.extensions.has(name)).map(({ name }) => name);
  if (missing.length > 0)
    return judged(
      "extensions",
      title,
      "fail",
      `it lacks ${missing.join(", ")}`,
      "Install their packages on the server; on Azure add them to azure.extensions.",
    );
  const others = catalog.extensions.filter(({ name, version: v }) => facts.extensions.get(name) !== v);
  return others.length === 0
    ? judged("extensions", title, "pass", catalog.extensions.map(({ name }) => name).join(", ") || "none is needed")
    : judged(
        "extensions",
        title,
        "warn",
        `another version of ${others.map((e) => `${e.name} (${e.version}, here ${facts.extensions.get(e.name)})`).join(", ")}`,
        "Read the extensions' notes on upgrades.",
      );
}

async function locale(sql: Sql, catalog: DumpCatalog | null): Promise<Verdict> {
  const title = "The server has the locale";
  if (catalog === null) return judged("locale", title, "unknown", "the dump does not say which it had");
  const { collate, ctype, encoding } = catalog;
  const names = [...new Set([collate, ctype])];
  const rows = await sql.query<{ name: string }>(
    `select distinct collcollate as name from pg_catalog.pg_collation where collprovider in ('c', 'd') and collcollate is not null`,
  );
  const known = new Set(rows.map(({ name }) => plainLocale(name)));
  const missing = names.filter((name) => !["C", "POSIX"].includes(name) && !known.has(plainLocale(name)));
  return missing.length === 0
    ? judged("locale", title, "pass", `${names.join(", ")}, ${encoding}`)
    : judged(
        "locale",
        title,
        "warn",
        `it does not list ${missing.join(", ")}: the database may get the server's own, and text sort otherwise`,
        "Generate the locale on the server's host, then run pg_import_system_collations('pg_catalog').",
      );
}

/** `de_DE.UTF-8` and `de_DE.utf8` are one. */
function plainLocale(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, "");
}

async function roles(request: DumpRestoreRequest, reader: DumpReader, facts: TargetFacts): Promise<Verdict> {
  const title = "Owners can be set";
  if (!request.owners) return judged("roles", title, "skip", `everything will belong to ${facts.user}`);
  const missing = await missingRolesIn(reader, facts);
  if (missing === null) return judged("roles", title, "unknown", "the dump has no roles with it");
  if (missing.length === 0) return judged("roles", title, "pass", "the server has all roles of the dump");
  return facts.mayCreateRoles
    ? judged("roles", title, "pass", `roles to be made: ${missing.join(", ")}`)
    : judged(
        "roles",
        title,
        "warn",
        `it lacks ${missing.join(", ")}, and ${facts.user} may not make roles`,
        "Make them by hand, or restore with --no-owner.",
      );
}

function failed(check: string, title: string, error: unknown): Verdict {
  return judged(check, title, "fail", messageOf(error), error instanceof PgrescueError ? error.next : undefined);
}

function judged(check: string, title: string, result: Finding, evidence: string, mend?: string): Verdict {
  return { check: `restore.${check}`, title, result, evidence, ...(mend === undefined ? {} : { mend }) };
}
