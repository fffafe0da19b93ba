import { readdir, readFile, readlink, realpath } from "node:fs/promises";
import { join } from "node:path";

/** A postmaster.pid as it was read. `socketDirectory` is "" when the server has no socket. */
export interface PidFile {
  readonly pid: number;
  readonly startedAt: number;
  readonly port: number;
  readonly socketDirectory: string;
  /** Line 8 (PG 10+): "starting", "stopping", "ready", "standby"; "" where it is not there yet. */
  readonly status: string;
}

/** Reads postmaster.pid (miscadmin.h: LOCK_FILE_LINE_*); null when there is none or it is not readable as one. */
export async function readPidFile(dataDirectory: string): Promise<PidFile | null> {
  const text = await readFile(join(dataDirectory, "postmaster.pid"), "utf8").catch(() => null);
  if (text === null) return null;
  const lines = text.split("\n").map((line) => line.trim());
  // A negative number is a standalone backend's (initdb, --single).
  const pid = Math.abs(Number(lines[0]));
  if (!Number.isInteger(pid) || pid === 0) return null;
  return {
    pid,
    startedAt: Number(lines[2] ?? "0"),
    port: Number(lines[3] ?? "0") || 5432,
    socketDirectory: lines[4] ?? "",
    status: lines[7] ?? "",
  };
}

/**
 * The postmaster that runs on a data directory now: its pid file checked against the process table, so that a number that
 * was given to another program after a crash does not count. Where the table cannot tell, it counts as running.
 */
export async function findPostmaster(dataDirectory: string): Promise<PidFile | null> {
  const file = await readPidFile(dataDirectory);
  return file !== null && (await isPostmasterOf(file, dataDirectory)) ? file : null;
}

async function isPostmasterOf(file: PidFile, dataDirectory: string): Promise<boolean> {
  const process = `/proc/${file.pid}`;
  const stat = await readFile(`${process}/stat`, "utf8").catch(() => null);
  if (stat === null) return !(await readFile("/proc/self/stat", "utf8").catch(() => null)) && answersSignal(file.pid);
  const afterName = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (afterName[0] === "Z" || afterName[0] === "X") return false;
  // The postmaster's working directory is its data directory: the surest sign, where we may see it.
  const cwd = await readlink(`${process}/cwd`).catch(() => null);
  if (cwd !== null) return cwd === (await realpath(dataDirectory).catch(() => dataDirectory));
  const name = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
  return /^(postgres|postmaster)/.test(name);
}

/**
 * Whether any process works in a data directory: a postmaster, its backends, or a restore_command that outlived them
 * (PostgreSQL's processes never leave it). What may not be seen does not count.
 */
export async function isWorkedIn(dataDirectory: string): Promise<boolean> {
  const place = await realpath(dataDirectory).catch(() => dataDirectory);
  for (const name of await readdir("/proc").catch(() => [])) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    if ((await readlink(`/proc/${name}/cwd`).catch(() => null)) === place) return true;
  }
  return false;
}

/** Systems without /proc: whether anything has this number. */
function answersSignal(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** The command line of a process, argument by argument; empty when it may not be seen or is gone. */
export async function commandLineOf(pid: number): Promise<readonly string[]> {
  const text = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return text.split("\0").filter((argument, at, all) => argument !== "" || at < all.length - 1);
}
