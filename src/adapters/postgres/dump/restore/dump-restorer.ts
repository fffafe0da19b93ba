import { tmpdir } from "node:os";
import { PgrescueError } from "../../../../domain/errors.ts";
import type { DumpReader } from "../../../../ports/dump.ts";
import type { DumpRestoreRequest, DumpRestorer, DumpRestoreSignal } from "../../../../ports/dump-restore.ts";
import type { Shell } from "../../../../ports/shell.ts";
import type { ConnectionTarget, Sql, SqlConnector } from "../../../../ports/sql.ts";
import { pump } from "../../backup/pump.ts";
import type { Report } from "../../backup/taking.ts";
import { findClient } from "../client-programs.ts";
import { writeAsFiles } from "./as-files.ts";
import { compareContents } from "./compare.ts";
import { databaseOf } from "./database-of.ts";
import { examineRestore } from "./examine-restore.ts";
import { finishDatabase, makeDatabase, makeSchemas, newDatabaseIn } from "./new-database.ts";
import { makeRoles, missingRolesIn } from "./roles.ts";
import { runRestore, type LoadOptions, type Troubles } from "./run-restore.ts";
import { requireGuard, runSql } from "./run-sql.ts";
import { withStaged, withStagedFiles } from "./staging.ts";
import { existing, renameDatabases } from "./swap.ts";
import { readTargetFacts, withSession, type TargetFacts } from "./target-facts.ts";

/** What restoring dumps needs from outside. */
export interface DumpRestorerOptions {
  readonly sql: SqlConnector;
  readonly shell: Shell;
  readonly environment: { readonly [name: string]: string | undefined };
  /** How a server is reached: by a cluster's name, or by a connection string. Credentials are read at each call. */
  target(into: string): Promise<ConnectionTarget>;
}

/** Restores dumps into servers with pg_restore. */
export function createDumpRestorer(options: DumpRestorerOptions): DumpRestorer {
  const inServer = async <T>(request: DumpRestoreRequest, use: (sql: Sql) => Promise<T>): Promise<T> =>
    withSession(options.sql, await options.target(request.into), null, use);
  const facts = (request: DumpRestoreRequest): Promise<TargetFacts> => inServer(request, readTargetFacts);

  return {
    examine: (request, reader) => examineRestore(options, request, reader),
    missingRoles: async (request, reader) => (await missingRolesIn(reader, await facts(request))) ?? [],
    restoreRoles: (request, reader, signal) =>
      pumped(signal, (report) =>
        inServer(request, async (sql) => makeRoles(sql, reader, await readTargetFacts(sql), report)),
      ),
    state: (request) => inServer(request, (sql) => newDatabaseIn(sql, request)),
    restore: (request, reader, signal) =>
      pumped(signal, (report, inner) => restore(options, request, reader, report, inner)),
    compare: (request, reader, signal) =>
      pumped(signal, async (report, inner) => {
        const catalog = await reader.catalog(databaseOf(reader, request.sourceDatabase));
        await withSession(options.sql, await options.target(request.into), request.database, (sql) =>
          compareContents(sql, request, catalog, report, inner),
        );
      }),
    swap: (request, { name, old }) =>
      inServer(request, async (sql) => {
        const there = await existing(sql, [name]);
        const away = there.has(name) ? [{ from: name, to: old }] : [];
        await renameDatabases(sql, [...away, { from: request.database, to: name }]);
      }),
    swapBack: (request, { name, old }) =>
      inServer(request, async (sql) => {
        const there = await existing(sql, [old]);
        const back = there.has(old) ? [{ from: old, to: name }] : [];
        await renameDatabases(sql, [{ from: name, to: request.database }, ...back]);
      }),
    isSwapped: (request, { name }) =>
      inServer(request, async (sql) => {
        const there = await existing(sql, [request.database, name]);
        return (
          !there.has(request.database) && (await newDatabaseIn(sql, { ...request, database: name })) === "ours-done"
        );
      }),
    toFiles: async function* toFiles(request, reader, signal) {
      const files = yield* pump(signal, (report, inner) => writeAsFiles(request, reader, report, inner));
      yield { signal: "written", files };
    },
    connectionString: async (request) => {
      const { host, port, user } = await options.target(request.into);
      return `host=${host} port=${port} user=${user} dbname=${request.database}`;
    },
  };
}

async function* pumped(
  signal: AbortSignal,
  work: (report: Report, signal: AbortSignal) => Promise<void>,
): AsyncGenerator<DumpRestoreSignal> {
  yield* pump(signal, work);
}

async function restore(
  options: DumpRestorerOptions,
  request: DumpRestoreRequest,
  reader: DumpReader,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const source = databaseOf(reader, request.sourceDatabase);
  const catalog = await reader.catalog(source);
  const target = await options.target(request.into);
  const facts = await withSession(options.sql, target, null, readTargetFacts);
  const needed = Math.max(facts.major, Math.floor((reader.clientVersion ?? 0) / 10_000));
  const client = await findClient(options.shell, options.environment, needed, request.binaries);
  if (source.format === "plain" || source.format === "cluster") {
    refuseParts(request);
    requireGuard(client);
  }
  const made = await withSession(options.sql, target, null, (sql) => makeDatabase(sql, request, catalog, facts));
  if (made.warning !== null) report.log("warn", made.warning);
  await withSession(options.sql, target, request.database, (sql) => makeSchemas(sql, request, catalog));
  const total = source.format === "custom" ? reader.point.storedBytes : null;
  let done = 0;
  let doing = `loading ${request.database}`;
  const show = (): void =>
    report.progress({ done, total: total === null ? null : Math.max(total, done), unit: "bytes", doing });
  const counted = (async function* count(): AsyncIterable<Uint8Array> {
    for await (const chunk of reader.archive(source)) {
      done += chunk.length;
      show();
      yield chunk;
    }
  })();
  const load: LoadOptions = {
    client,
    target,
    request,
    superuser: facts.superuser,
    signal,
    onTable: (name) => {
      doing = `loading ${name} into ${request.database}`;
      show();
    },
  };
  const name = `${request.run}.dump`;
  const staging = request.staging ?? tmpdir();
  const troubles =
    source.format === "plain" || source.format === "cluster"
      ? await runSql(load, counted)
      : reader.files !== undefined
        ? await withStagedFiles(staging, name, reader.files(source), (path) => runRestore(load, { path }))
        : request.staging !== null || source.format === "tar"
          ? await withStaged(staging, name, counted, (path) =>
              // A tar archive can be read by one session only.
              runRestore(source.format === "tar" ? { ...load, request: { ...request, jobs: 1 } } : load, { path }),
            )
          : await runRestore(load, { input: counted });
  judge(troubles, report);
  report.progress({ done: 0, total: null, unit: "bytes", doing: `analyzing ${request.database}` });
  await withSession(options.sql, target, request.database, (sql) => sql.query("analyze"));
  const owner = request.owners && catalog !== null && catalog.owner !== facts.user ? catalog.owner : null;
  const { warning } = await withSession(options.sql, target, null, (sql) => finishDatabase(sql, request, owner));
  if (warning !== null) report.log("warn", warning);
}

/** psql runs a SQL dump as a whole. Throws `precondition-refused` where a part was asked for. */
function refuseParts({ schemas, tables, owners }: DumpRestoreRequest): void {
  if (schemas.length === 0 && tables.length === 0 && owners) return;
  throw new PgrescueError("precondition-refused", "a SQL dump is run as a whole: nothing can be chosen or left out", {
    next: "Restore all of it into a new database without --schema, --table and --no-owner, then take from there what is needed.",
  });
}

/** Says what the errors mean. Throws `external-failure` where something is missing: the database stays, to be looked at. */
function judge({ harmless, rights, failed }: Troubles, report: Report): void {
  const head = { check: "dump.load", title: "Everything was loaded", rung: "structure" } as const;
  for (const text of harmless) report.log("info", `does no harm: ${text}`);
  for (const text of rights) report.log("warn", text);
  const [first] = failed;
  if (first !== undefined) {
    const evidence = failed.length === 1 ? first : `${failed.length} errors; first ${first}`;
    report.verdict({ ...head, result: "fail", evidence, data: [...failed] });
    throw new PgrescueError("external-failure", `not everything could be restored: ${evidence}`, {
      means: "The new database is there with everything else; nothing that was there before was changed.",
      next: "Mend what is said; going on makes the database anew.",
    });
  }
  report.verdict(
    rights.length === 0
      ? { ...head, result: "pass", evidence: "pg_restore reported no error that matters" }
      : {
          ...head,
          result: "warn",
          evidence: `all data; ${rights.length} owners, rights or comments could not be set: ${rights[0]}`,
          mend: "Make the missing roles, or restore with --no-owner and --no-privileges.",
        },
  );
}
