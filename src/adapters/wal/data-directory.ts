import { open, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, PgrescueError } from "../../domain/errors.ts";

/**
 * The system identifier of a data directory: the first eight bytes of global/pg_control in every version (PostgreSQL
 * source, catalog/pg_control.h). Read directly, because archive_command must not pay for another program. Throws
 * `precondition-refused` where there is no data directory.
 */
export async function readSystemIdentifier(dataDirectory: string): Promise<string> {
  const path = join(dataDirectory, "global", "pg_control");
  try {
    const handle = await open(path, "r");
    try {
      const bytes = Buffer.alloc(12);
      await handle.read(bytes, 0, 12, 0);
      // pg_control_version follows: a small number in the right byte order, a huge one in the wrong.
      const isLittle = bytes.readUInt32LE(8) < 0x1_0000;
      return (isLittle ? bytes.readBigUInt64LE(0) : bytes.readBigUInt64BE(0)).toString();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new PgrescueError("precondition-refused", `${dataDirectory} is not a data directory: ${messageOf(error)}`, {
      next: "PostgreSQL runs this in its data directory; by hand, change to it first.",
    });
  }
}

/** The postmaster that serves a data directory, by postmaster.pid; null when the file is missing or its process is gone. */
export async function livingPostmaster(dataDirectory: string): Promise<number | null> {
  const text = await readFile(join(dataDirectory, "postmaster.pid"), "utf8").catch(() => "");
  const pid = Number(text.split("\n")[0]);
  return Number.isInteger(pid) && pid > 0 && isAlive(pid) ? pid : null;
}

/** What recovery a data directory is in, by its signal files (recovery.conf before version 12); null: none. */
export async function recoveryModeOf(dataDirectory: string): Promise<"recovery" | "standby" | null> {
  if (await exists(join(dataDirectory, "standby.signal"))) return "standby";
  for (const name of ["recovery.signal", "recovery.conf"]) {
    if (await exists(join(dataDirectory, name))) return "recovery";
  }
  return null;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === "EPERM";
  }
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
