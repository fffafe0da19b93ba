import { messageOf, PgrescueError } from "../../../domain/errors.ts";
import { isPartial, type DumpCatalog, type DumpedDatabase } from "../../../domain/dump.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { DumpEnd, DumpRequest, DumpSignal, DumpTaker, DumpWriter } from "../../../ports/dump.ts";
import type { Repository } from "../../../ports/repository.ts";
import type { Shell } from "../../../ports/shell.ts";
import type { ConnectionTarget, SqlConnector } from "../../../ports/sql.ts";
import { includeContent } from "../../system/include.ts";
import { pump } from "../backup/pump.ts";
import type { Report } from "../backup/taking.ts";
import { findClient, type ClientPrograms } from "./client-programs.ts";
import { describeContents, methodOf } from "./describe-contents.ts";
import { chooseDatabases, readDumpFacts, type DatabaseFacts, type DumpFacts } from "./dump-facts.ts";
import { examineDump } from "./examine-dump.ts";
import { globals } from "./globals.ts";
import { runDump } from "./run-dump.ts";
import { beginSnapshot } from "./snapshot.ts";

/** What a dump taker needs from outside. */
export interface DumpTakerOptions {
  readonly sql: SqlConnector;
  readonly shell: Shell;
  readonly clock: Clock;
  readonly environment: { readonly [name: string]: string | undefined };
  /** How a configured cluster's server is reached, by the cluster's name. */
  connection(cluster: string): Promise<ConnectionTarget>;
  /** Opens a repository by name or URL. */
  repository(name: string): Promise<Repository>;
}

/** Dumps databases of any server into any repository that can be written. */
export function createDumpTaker(options: DumpTakerOptions): DumpTaker {
  return {
    examine: (request) => examineDump(options, request),
    take: async function* take(request, signal): AsyncGenerator<DumpSignal> {
      const finished = yield* pump(signal, (report, inner) => takeAll(options, request, report, inner));
      yield { signal: "finished", ...finished };
    },
  };
}

type Finished = Omit<Extract<DumpSignal, { signal: "finished" }>, "signal">;

/** What dumping each database works with. */
interface Dumping {
  readonly options: DumpTakerOptions;
  readonly request: DumpRequest;
  readonly target: ConnectionTarget;
  readonly facts: DumpFacts;
  readonly client: ClientPrograms;
  readonly writer: DumpWriter;
  readonly report: Report;
  readonly signal: AbortSignal;
}

async function takeAll(
  options: DumpTakerOptions,
  request: DumpRequest,
  report: Report,
  signal: AbortSignal,
): Promise<Finished> {
  const target = await options.connection(request.cluster);
  const repository = await options.repository(request.repository);
  if (repository.beginDump === undefined)
    throw new PgrescueError("precondition-refused", `repository ${repository.name} is only read`);
  const sql = await options.sql.connect(target);
  let writer: DumpWriter | null = null;
  try {
    const facts = await readDumpFacts(sql);
    const databases = chooseDatabases(facts, request);
    const client = await findClient(options.shell, options.environment, facts.major, request.binaries);
    writer = await repository.beginDump({
      cluster: request.cluster,
      systemIdentifier: facts.systemIdentifier,
      postgresVersion: facts.version,
      startedAt: options.clock.now(),
      run: request.run,
    });
    const dumping = { options, request, target, facts, client, writer, report, signal };
    for (const include of request.includes) await writer.putInclude(include, includeContent(include, signal));
    const passwords = facts.mayReadPasswords;
    const globalsObject = await writer.putGlobals(globals(client, target, { passwords }, signal));
    const { dumped, failed } = await dumpEach(dumping, databases);
    signal.throwIfAborted();
    const warnings = facts.inRecovery ? ["taken from a standby: unlogged tables are empty in it"] : [];
    const point = await writer.commit({
      finishedAt: options.clock.now(),
      clientVersion: client.version,
      databases: dumped,
      globals: { object: globalsObject, passwords },
      failed,
      label: request.label,
      warnings,
      ...(request.keep === null ? {} : { keep: request.keep }),
      ...(request.slot === null ? {} : { slot: request.slot }),
    });
    return { point, databases: dumped, failed, warnings };
  } catch (error) {
    // A writer that may not delete leaves what it has begun: it is never offered, and expire removes it.
    await writer
      ?.abort()
      .catch((failure: unknown) => report.log("warn", `not everything was taken back: ${messageOf(failure)}`));
    throw signal.aborted ? abortReason(signal, error) : error;
  } finally {
    await sql.close();
  }
}

/** Dumps one database after the other. One that fails does not stop the others; throws its error where none succeeds. */
async function dumpEach(
  dumping: Dumping,
  databases: readonly DatabaseFacts[],
): Promise<{ readonly dumped: readonly DumpedDatabase[]; readonly failed: DumpEnd["failed"] }> {
  const dumped: DumpedDatabase[] = [];
  const failed: { database: string; error: string }[] = [];
  let first: unknown = null;
  for (const [at, database] of databases.entries()) {
    dumping.signal.throwIfAborted();
    try {
      dumped.push(await dumpOne(dumping, database, databases.length > 1 ? ` (${at + 1} of ${databases.length})` : ""));
    } catch (error) {
      // Only what one database may have alone; a store or a server that fails would fail them all.
      const isItsOwn = error instanceof PgrescueError && ["external-failure", "credentials"].includes(error.code);
      if (dumping.signal.aborted || !isItsOwn) throw error;
      first ??= error;
      failed.push({ database: database.name, error: messageOf(error) });
      dumping.report.log("warn", messageOf(error));
    }
  }
  if (dumped.length === 0 && first !== null) throw first;
  return { dumped, failed };
}

async function dumpOne(dumping: Dumping, database: DatabaseFacts, nth: string): Promise<DumpedDatabase> {
  const { options, request, facts, client, writer, report } = dumping;
  const target = { ...dumping.target, database: database.name };
  const sql = await options.sql.connect(target);
  const own = new AbortController();
  const signal = AbortSignal.any([dumping.signal, own.signal]);
  const into = await writer.archive(database.name, database.oid);
  try {
    const snapshot = await beginSnapshot(sql, request.lockTimeoutSeconds);
    const described = await describeContents(sql, database, facts, options.clock.now());
    const progress = progressOf(described.tables, `dumping ${database.name}${nth}`, report);
    const whole = !isPartial(request.filters);
    // Counted while pg_dump works, on a connection of its own; of a part only what pg_dump has chosen is counted.
    const counting = whole ? described.count(request.proof, null, signal) : null;
    counting?.catch(() => own.abort());
    await runDump({
      client,
      target,
      request,
      snapshot,
      withoutUnlogged: facts.inRecovery,
      into,
      signal,
      onTable: progress.table,
      onBytes: progress.bytes,
    }).catch(async (error: unknown) => {
      // Where counting failed first, that is the reason.
      if (own.signal.aborted) await counting;
      throw error;
    });
    report.progress({ done: 0, total: null, unit: "bytes", doing: `counting rows of ${database.name}${nth}` });
    const catalog: DumpCatalog = {
      ...described.catalog,
      fingerprintMethod: methodOf(request.proof),
      tables: await (counting ?? described.count(request.proof, progress.seen, signal)),
    };
    return {
      name: database.name,
      oid: database.oid,
      encoding: database.encoding,
      bytes: database.bytes,
      format: "custom",
      object: into.object,
      catalog: await writer.putCatalog(database.name, database.oid, catalog),
      filters: request.filters,
    };
  } catch (error) {
    own.abort();
    await into.abort();
    throw error;
  } finally {
    await sql.close();
  }
}

/** Turns the tables that pg_dump names into a share of their bytes. */
function progressOf(
  tables: readonly { readonly schema: string; readonly name: string; readonly bytes: number }[],
  doing: string,
  report: Report,
): {
  readonly table: (name: string) => void;
  readonly bytes: (count: number) => void;
  readonly seen: ReadonlySet<string>;
} {
  const sizes = new Map(tables.map(({ schema, name, bytes }) => [`${schema}.${name}`, bytes]));
  const total = tables.reduce((sum, { bytes }) => sum + bytes, 0);
  const seen = new Set<string>();
  let before = 0;
  let current = 0;
  let written = 0;
  const show = (): void =>
    // Within a table what was written so far tells, compressed as it is: never more than the table has.
    report.progress({ done: Math.min(total, before + Math.min(current, written)), total, unit: "bytes", doing });
  return {
    table: (name) => {
      before += current;
      current = sizes.get(name) ?? 0;
      written = 0;
      seen.add(name);
      show();
    },
    bytes: (count) => {
      written += count;
      show();
    },
    seen,
  };
}

function abortReason(signal: AbortSignal, error: unknown): PgrescueError {
  if (signal.reason instanceof PgrescueError) return signal.reason;
  return new PgrescueError("interrupted", "the dump was stopped before its end", {
    cause: error,
    means: "Nothing of it is offered as a recovery point.",
  });
}
