import { open, readdir, readFile, readlink, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import type { DataDirectory } from "../../ports/postgres.ts";
import { debianCluster, findConfiguration, readConfiguration } from "./config-files.ts";

/** How much of a log's end is read. */
const window = 64 * 1024;

/**
 * The last lines of a server's log: what the collector writes to (current_logfiles), what the postmaster's stderr is, Debian's
 * file, the newest file in log_directory; the first of these that can be read.
 */
export async function serverLog(
  directory: DataDirectory,
  lines: number,
): Promise<{ readonly file: string; readonly lines: readonly string[] } | null> {
  for (const file of await places(directory)) {
    const found = await lastLines(file, lines);
    if (found !== null) return { file, lines: found };
  }
  return null;
}

async function places(directory: DataDirectory): Promise<readonly string[]> {
  const found: string[] = [];
  const current = await readFile(join(directory.path, "current_logfiles"), "utf8").catch(() => "");
  const collected = /^stderr (.+)$/m.exec(current)?.[1];
  if (collected !== undefined) found.push(isAbsolute(collected) ? collected : join(directory.path, collected));
  if (directory.postmaster !== null) {
    const stderr = await readlink(`/proc/${directory.postmaster.pid}/fd/2`).catch(() => "");
    if (stderr.startsWith("/") && !stderr.startsWith("/dev/")) found.push(stderr);
  }
  const files = await findConfiguration(directory.path, directory.major ?? 0);
  const debian = files === null ? null : debianCluster(files.configFile);
  if (debian !== null) found.push(`/var/log/postgresql/postgresql-${debian.version}-${debian.name}.log`);
  const settings = files === null ? {} : (await readConfiguration(files.configFile, directory.path)).settings;
  const named = settings["log_directory"]?.value ?? "log";
  const newest = await newestLog(isAbsolute(named) ? named : join(directory.path, named));
  return newest === null ? found : [...found, newest];
}

async function newestLog(directory: string): Promise<string | null> {
  let best: { readonly file: string; readonly at: number } | null = null;
  for (const name of await readdir(directory).catch(() => [])) {
    const file = join(directory, name);
    const info = name.endsWith(".log") ? await stat(file).catch(() => null) : null;
    if (info !== null && info.isFile() && (best === null || info.mtimeMs > best.at)) best = { file, at: info.mtimeMs };
  }
  return best?.file ?? null;
}

async function lastLines(file: string, lines: number): Promise<readonly string[] | null> {
  const handle = await open(file, "r").catch(() => null);
  if (handle === null) return null;
  try {
    const info = await handle.stat();
    if (!info.isFile()) return null;
    const from = Math.max(0, info.size - window);
    const buffer = Buffer.alloc(Math.min(window, info.size));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, from);
    return buffer
      .toString("utf8", 0, bytesRead)
      .split("\n")
      .filter((line) => line.trim() !== "")
      .slice(-lines);
  } finally {
    await handle.close();
  }
}
