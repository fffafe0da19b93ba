import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, PgrescueError } from "../../../domain/errors.ts";
import type { WalArchive } from "../../../ports/repository.ts";
import type { Sql } from "../../../ports/sql.ts";
import { isArchiving, type ServerFacts } from "./server-facts.ts";
import type { Report, Taken, Taking } from "./taking.ts";
import type { BackupWalChoice } from "../../../ports/backup-source.ts";

/**
 * Decides where the backup's WAL goes. On a standby the server cannot say whether its primary archives: then the
 * repository tells, by whether it has WAL of this system.
 */
export async function decideWal(
  choice: BackupWalChoice,
  facts: ServerFacts,
  archive: WalArchive,
): Promise<"include" | "archive"> {
  if (choice === "include") return "include";
  const archiving = facts.inRecovery
    ? facts.archiveMode === "always" || (await archive.inventory()).ranges.length > 0
    : isArchiving(facts);
  if (archiving) return "archive";
  if (choice === "auto") return "include";
  throw new PgrescueError("precondition-refused", "the server does not archive its wal", {
    next: "Set archive_mode and archive_command (`pgrescue doctor` prints the lines), or take the backup with --wal include.",
  });
}

/**
 * Keeps the server from recycling WAL while the backup runs: a temporary replication slot that ends with the session.
 * Where the server grants none the backup is taken all the same; should WAL be recycled, it fails at its end.
 */
export async function holdWal(sql: Sql, facts: ServerFacts, report: Report): Promise<void> {
  if (!facts.mayReplicate || facts.maxReplicationSlots === 0) {
    report.log(
      "warn",
      "the server's wal cannot be held back by a replication slot; a long backup may find its wal recycled",
    );
    return;
  }
  try {
    await sql.query(
      "select pg_catalog.pg_create_physical_replication_slot('pgrescue_backup_' || pg_catalog.pg_backend_pid(), true, true)",
    );
  } catch (error) {
    report.log("warn", `no replication slot to hold wal back: ${messageOf(error)}`);
  }
}

/** Stores WAL files inside the backup: from pg_wal on this host's disk, or read through the server. Throws `external-failure` when one is gone. */
export async function includeWal(
  taking: Taking,
  taken: Taken,
  names: readonly string[],
  dataDirectory: string | null,
): Promise<void> {
  let done = 0;
  for (const name of names) {
    taking.report.progress({ done, total: names.length, unit: "segments", doing: `storing ${name}` });
    taking.signal.throwIfAborted();
    if (!taken.walStored.has(name)) await taking.writer.putWal(name, await readWal(taking.sql, name, dataDirectory));
    done += 1;
  }
}

/** A file of pg_wal. */
export async function readWal(sql: Sql, name: string, dataDirectory: string | null): Promise<Uint8Array> {
  try {
    if (dataDirectory !== null) return await readFile(join(dataDirectory, "pg_wal", name));
    const [row] = await sql.query<{ content: string }>(
      "select encode(pg_catalog.pg_read_binary_file('pg_wal/' || $1), 'hex') as content",
      [name],
    );
    return Buffer.from(row?.content ?? "", "hex");
  } catch (error) {
    throw new PgrescueError(
      "external-failure",
      `wal file ${name} cannot be read from the server: ${messageOf(error)}`,
      {
        next: "Set archive_mode and archive_command, or raise wal_keep_size, and take the backup again.",
        cause: error,
      },
    );
  }
}
