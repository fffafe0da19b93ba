import { readFile, readlink } from "node:fs/promises";

/** What tells a process from a later one of its number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/<pid>/stat: when it began, in ticks since the machine did. */
  readonly startTime: string;
  readonly bootId: string;
}

/** This process. Parts that the system does not say are empty. */
export async function ownIdentity(): Promise<ProcessIdentity> {
  return { pid: process.pid, startTime: (await startTimeOf("self")) ?? "", bootId: await bootId() };
}

/**
 * The same in one word for other hosts to keep: boot, namespace of process numbers (containers have their own), start;
 * null where the system does not say all of it.
 */
export async function ownMark(): Promise<string | null> {
  const [space, start] = [await markOfSpace(), await startTimeOf("self")];
  return space === null || start === null ? null : `${space}/${start}`;
}

/** Whether the process `pid` with that mark has ended for certain; null where it cannot be known here: it is another host's. */
export async function isGone(pid: number, mark: string | null): Promise<boolean | null> {
  const space = await markOfSpace();
  if (mark === null || space === null || !mark.startsWith(`${space}/`)) return null;
  const start = await startTimeOf(String(pid));
  return start === null || `${space}/${start}` !== mark;
}

async function markOfSpace(): Promise<string | null> {
  const namespace = await readlink("/proc/self/ns/pid").catch(() => null);
  const boot = await bootId();
  return namespace === null || boot === "" ? null : `${boot}/${namespace}`;
}

async function bootId(): Promise<string> {
  return (await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "")).trim();
}

/** null where there is no such process, or it is a zombie. */
async function startTimeOf(pid: string): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The second field, the program's name, may hold spaces; the fields after it count from 3.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? null : (fields[19] ?? null);
}
