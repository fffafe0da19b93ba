import { messageOf, PgrescueError } from "../../../domain/errors.ts";
import { historyName } from "../../../domain/segment.ts";
import type { BackupRequest, BackupSignal, BackupTaker } from "../../../ports/backup-source.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { BackupWriter, Repository, WalArchive } from "../../../ports/repository.ts";
import type { ConnectionTarget, SqlConnector } from "../../../ports/sql.ts";
import { includeContent } from "../../system/include.ts";
import { lockBackups } from "./backup-lock.ts";
import { prepareSession } from "./backup-session.ts";
import { catalogDocument } from "./catalog.ts";
import { whyNotLocal } from "./data-directory-match.ts";
import { examine } from "./examine.ts";
import { takeLocal } from "./local-source.ts";
import { pump } from "./pump.ts";
import { takeRemote } from "./remote-source.ts";
import { readServerFacts, type ServerFacts } from "./server-facts.ts";
import type { Report, Taken, Taking } from "./taking.ts";
import { decideWal, holdWal, includeWal, readWal } from "./wal-include.ts";
import { segmentsNeeded } from "./wal-needed.ts";
import { proveOwnWal } from "./wal-own.ts";
import { waitForWal } from "./wal-wait.ts";

/** What a backup taker needs from outside. */
export interface BackupTakerOptions {
  readonly sql: SqlConnector;
  readonly clock: Clock;
  /** How a configured cluster's server is reached, by the cluster's name. */
  connection(cluster: string): Promise<ConnectionTarget>;
  /** Opens a repository by name or URL. */
  repository(name: string): Promise<Repository>;
}

/** Takes base backups of local and remote servers into any repository that can be written. */
export function createBackupTaker(options: BackupTakerOptions): BackupTaker {
  return {
    examine: (request) => examine(options, request),
    take: (request, signal) => take(options, request, signal),
  };
}

async function* take(
  options: BackupTakerOptions,
  request: BackupRequest,
  signal: AbortSignal,
): AsyncGenerator<BackupSignal> {
  const finished = yield* pump(signal, (report, inner) => takeOne(options, request, report, inner));
  yield { signal: "finished", ...finished };
}

type Finished = Omit<Extract<BackupSignal, { signal: "finished" }>, "signal">;

async function takeOne(
  options: BackupTakerOptions,
  request: BackupRequest,
  report: Report,
  signal: AbortSignal,
): Promise<Finished> {
  const target = await options.connection(request.cluster);
  const repository = await options.repository(request.repository);
  const sql = await options.sql.connect(target);
  let writer: BackupWriter | null = null;
  try {
    const facts = await readServerFacts(sql);
    await prepareSession(sql, facts);
    await lockBackups(sql);
    const archive = repository.wal(request.cluster, facts.systemIdentifier);
    const dataDirectory = await chooseLocal(request, facts, report);
    const wal = await decideWal(request.wal, facts, archive);
    if (wal === "include") await holdWal(sql, facts, report);
    writer = await repository.beginBackup({
      cluster: request.cluster,
      systemIdentifier: facts.systemIdentifier,
      postgresVersion: facts.version,
      segmentSize: facts.segmentSize,
      startedAt: options.clock.now(),
      run: request.run,
    });
    // First: what cannot be included fails the backup before hours of copying.
    for (const include of request.includes ?? []) await writer.putInclude(include, includeContent(include, signal));
    const taking: Taking = { request, sql, facts, writer, report, signal, includeWal: wal === "include" };
    const taken = dataDirectory === null ? await takeRemote(taking, target) : await takeLocal(taking, dataDirectory);
    report.progress({ done: 0, total: null, unit: "files", doing: "writing the catalog" });
    await writer.put(
      "catalog.json",
      catalogDocument({
        connector: options.sql,
        clock: options.clock,
        target,
        sql,
        facts,
        dataDirectory,
        report,
        signal,
      }),
    );
    await secureWal(taking, taken, archive, dataDirectory, options.clock);
    signal.throwIfAborted();
    const point = await writer.commit({
      finishedAt: options.clock.now(),
      timeline: taken.timeline,
      startLsn: taken.startLsn,
      stopLsn: taken.stopLsn,
      tablespaces: taken.tablespaces,
      bytes: taken.bytes,
      label: request.label,
      warnings: taken.warnings,
      ...(request.keep == null ? {} : { keep: request.keep }),
      ...(request.slot == null ? {} : { slot: request.slot }),
    });
    return { point, source: dataDirectory === null ? "remote" : "local", warnings: taken.warnings };
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

function abortReason(signal: AbortSignal, error: unknown): PgrescueError {
  if (signal.reason instanceof PgrescueError) return signal.reason;
  return new PgrescueError("interrupted", "the backup was stopped before its end", {
    cause: error,
    means: "Nothing of it is offered as a recovery point.",
  });
}

/** The data directory when the server's files are to be read from this host's disk; null: through the protocol. */
async function chooseLocal(request: BackupRequest, facts: ServerFacts, report: Report): Promise<string | null> {
  if (request.source === "remote") return null;
  const directory = request.dataDirectory ?? facts.dataDirectory;
  const reason = await whyNotLocal(directory, facts);
  if (reason === null) return directory;
  if (request.source === "local") {
    throw new PgrescueError("precondition-refused", `the server's files cannot be read directly: ${reason}`, {
      next: "Run pgrescue on the server's host as root or as the owner of the data directory, or take the backup with --source remote.",
    });
  }
  report.log("info", `the backup is taken through the replication protocol: ${reason}`);
  return null;
}

/** Sees to it that the WAL from start to stop is stored, in the archive or in the backup, before the backup is committed. */
async function secureWal(
  taking: Taking,
  taken: Taken,
  archive: WalArchive,
  dataDirectory: string | null,
  clock: Clock,
): Promise<void> {
  const names = segmentsNeeded(taken.timeline, taken.startLsn, taken.stopLsn, taking.facts.segmentSize);
  const history = taken.timeline > 1 ? [historyName(taken.timeline)] : [];
  if (taking.includeWal) return includeWal(taking, taken, [...history, ...names], dataDirectory);
  // Archived once, perhaps long ago into another repository: recovery asks for it first of all.
  for (const name of history)
    if (!(await archive.has(name))) await archive.store(name, await readWal(taking.sql, name, dataDirectory));
  await waitForWal(taking, archive, names, clock);
  const last = names.at(-1);
  if (last !== undefined) await proveOwnWal(taking, archive, last, dataDirectory, clock);
}
