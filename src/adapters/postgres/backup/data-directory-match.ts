import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { PgrescueError } from "../../../domain/errors.ts";
import { parseLsn } from "../../../domain/lsn.ts";
import type { Sql } from "../../../ports/sql.ts";
import type { ServerFacts } from "./server-facts.ts";

/**
 * Why the directory is not the connected server's own, readable from here; null when it is. Compares the system identifier
 * and the postmaster's start, so that another cluster or a standby's directory at the same path is not taken for it.
 */
export async function whyNotLocal(directory: string, facts: ServerFacts): Promise<string | null> {
  if (directory === "") return "the server did not tell its data directory";
  if (facts.blockSize !== 8192) return `the server's pages have ${facts.blockSize} bytes`;
  if (!facts.mayStart) return "the role may not execute pg_backup_start";
  try {
    const { systemIdentifier } = await readControlFile(directory);
    if (systemIdentifier !== facts.systemIdentifier)
      return `${directory} belongs to system ${systemIdentifier}, the server is ${facts.systemIdentifier}`;
    const started = Number((await readFile(join(directory, "postmaster.pid"), "utf8")).split("\n")[2]);
    if (!(Math.abs(started - facts.postmasterStart) <= 2)) return `the postmaster of ${directory} is not the server's`;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") return `${directory} is not on this host, or no server runs on it`;
    if (code === "EACCES" || code === "EPERM") return `${directory} cannot be read by this user`;
    throw error;
  }
  return null;
}

/** The first fields of pg_control, at the same place in PostgreSQL 12 to 18 (src/include/catalog/pg_control.h). */
async function readControlFile(directory: string): Promise<{ systemIdentifier: string; checkpoint: bigint }> {
  const handle = await open(join(directory, "global", "pg_control"), "r");
  try {
    const head = Buffer.alloc(40);
    await handle.read(head, 0, head.length, 0);
    return { systemIdentifier: head.readBigUInt64LE(0).toString(), checkpoint: head.readBigUInt64LE(32) };
  } finally {
    await handle.close();
  }
}

/**
 * Proves, after the backup's checkpoint, that the files here are those the server writes: a copy of the directory (another
 * host's disk, a snapshot) does not have the new checkpoint. Throws `precondition-refused`.
 */
export async function proveLive(sql: Sql, directory: string): Promise<void> {
  for (let tries = 0; tries < 5; tries++) {
    const [row] = await sql.query<{ at: string }>(
      "select checkpoint_lsn::text as at from pg_catalog.pg_control_checkpoint()",
    );
    const { checkpoint } = await readControlFile(directory);
    if (checkpoint === parseLsn(row?.at ?? "")) return;
    // A checkpoint may have ended between the two looks.
  }
  throw new PgrescueError(
    "precondition-refused",
    `${directory} is a copy of the server's data directory, not the one that it writes`,
    { next: "Take the backup with --source remote, or on the server's own host." },
  );
}
