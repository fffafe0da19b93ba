import { messageOf } from "../../../domain/errors.ts";
import type { Finding, Verdict } from "../../../domain/verdict.ts";
import type { BackupRequest } from "../../../ports/backup-source.ts";
import type { Sql } from "../../../ports/sql.ts";
import { whyNotLocal } from "./data-directory-match.ts";
import { isArchiving, readServerFacts, type ServerFacts } from "./server-facts.ts";
import { spaceFor } from "./space.ts";
import type { BackupTakerOptions } from "./take-backup.ts";
import { archiverTrouble } from "./wal-wait.ts";

/** Looks at server and repository before a backup. Never throws: what cannot be asked is `unknown` or `fail`. */
export async function examine(options: BackupTakerOptions, request: BackupRequest): Promise<readonly Verdict[]> {
  let sql: Sql;
  let facts: ServerFacts;
  try {
    sql = await options.sql.connect(await options.connection(request.cluster));
  } catch (error) {
    return [
      verdict(
        "server",
        "The server answers",
        "fail",
        messageOf(error),
        "Start the server, or correct the cluster's connection in the configuration.",
      ),
    ];
  }
  try {
    facts = await readServerFacts(sql);
    return [
      verdict(
        "server",
        "The server answers",
        "pass",
        `PostgreSQL ${facts.version}, system ${facts.systemIdentifier}, ${facts.inRecovery ? "standby" : "primary"}`,
      ),
      await source(request, facts),
      facts.walLevel === "minimal"
        ? verdict(
            "wal-level",
            "wal_level allows backups",
            "fail",
            "wal_level = minimal",
            "Run ALTER SYSTEM SET wal_level = 'replica' and restart the server.",
          )
        : verdict(
            "wal-level",
            "wal_level allows backups",
            "pass",
            `wal_level = ${facts.walLevel || "not visible to this role"}`,
          ),
      await archiving(sql, request, facts),
      ...(await repository(options, request, facts)),
      facts.dataChecksums
        ? verdict("checksums", "Pages are checked while they are read", "pass", "data checksums are on")
        : verdict(
            "checksums",
            "Pages are checked while they are read",
            "warn",
            "data checksums are off, so silent damage is backed up unseen",
            "Switch them on with pg_checksums --enable while the server is stopped.",
          ),
    ];
  } catch (error) {
    return [verdict("server", "The server answers", "fail", messageOf(error))];
  } finally {
    await sql.close();
  }
}

async function source(request: BackupRequest, facts: ServerFacts): Promise<Verdict> {
  const title = "The server's files can be read";
  const reason =
    request.source === "remote"
      ? "the remote source was asked for"
      : await whyNotLocal(request.dataDirectory ?? facts.dataDirectory, facts).catch(messageOf);
  if (reason === null)
    return verdict("source", title, "pass", `directly, in ${request.dataDirectory ?? facts.dataDirectory}`);
  if (request.source === "local")
    return verdict("source", title, "fail", reason, "Run pgrescue on the server's host, or use --source remote.");
  if (facts.mayReplicate && facts.maxWalSenders > 0)
    return verdict("source", title, "pass", `through the replication protocol: ${reason}`);
  return verdict(
    "source",
    title,
    "fail",
    facts.mayReplicate ? "max_wal_senders is 0" : "the role may not use the replication protocol",
    "Give the role REPLICATION, and set max_wal_senders to at least 2.",
  );
}

async function archiving(sql: Sql, request: BackupRequest, facts: ServerFacts): Promise<Verdict> {
  const title = "The server archives its WAL";
  if (facts.inRecovery)
    return verdict("archiving", title, "unknown", "a standby cannot tell whether its primary archives");
  if (!isArchiving(facts)) {
    const result: Finding = request.wal === "archive" ? "fail" : "warn";
    return verdict(
      "archiving",
      title,
      result,
      `archive_mode = ${facts.archiveMode || "not visible to this role"}: only the moment of the backup will be reachable`,
      "Run pgrescue doctor: it prints the lines that switch archiving on.",
    );
  }
  const trouble = await archiverTrouble(sql).catch(messageOf);
  return trouble === null
    ? verdict("archiving", title, "pass", "archive_mode is on and its last attempt succeeded")
    : verdict(
        "archiving",
        title,
        "warn",
        trouble,
        "Look into the server's log; the backup waits for its WAL to arrive.",
      );
}

async function repository(
  options: BackupTakerOptions,
  request: BackupRequest,
  facts: ServerFacts,
): Promise<readonly Verdict[]> {
  const title = "The repository can be written";
  try {
    const opened = await options.repository(request.repository);
    if (opened.readOnly)
      return [verdict("repository", title, "fail", `${opened.url} is read-only`, "Choose another repository.")];
    const space = await spaceFor(opened.url, facts.bytes);
    const writable = verdict("repository", title, "pass", `${opened.format} repository at ${opened.url}`);
    return space === null ? [writable] : [writable, space];
  } catch (error) {
    return [
      verdict(
        "repository",
        title,
        "fail",
        messageOf(error),
        "Check the repository's URL and whether its storage is there.",
      ),
    ];
  }
}

function verdict(check: string, title: string, result: Finding, evidence: string, mend?: string): Verdict {
  return {
    check: `backup.${check}`,
    title,
    result,
    evidence,
    ...(mend === undefined || result === "pass" ? {} : { mend }),
  };
}
