import { open, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { recoveryModeOf } from "../adapters/wal/data-directory.ts";
import { readFetchConfig, type FetchConfig } from "../adapters/wal/fetch-config.ts";
import { fetchWal } from "../adapters/wal/fetch.ts";
import { tryPatiently } from "../adapters/wal/patience.ts";
import { absentExit, noAnswerExit } from "../adapters/wal/restore-command.ts";
import { bootIdentifier, handOver, placeFile, spoolPaths } from "../adapters/wal/spool.ts";
import { messageOf, PgrescueError } from "../domain/errors.ts";
import { parseWalFileName } from "../domain/segment.ts";
import type { Arguments, Command, Terminal } from "./command.ts";
import { failureLines } from "./failure.ts";
import { requestOf } from "./wal-sources.ts";

/** How long a living prefetcher may take for a segment before wal-fetch gets it by itself. */
const prefetcherMilliseconds = 30_000;

export const command: Command = {
  summary: "restore_command: get a WAL file, and never take an outage for the end of WAL",
  usage: "wal-fetch %f %p",
  description: `Exit codes: 0 delivered; ${absentExit} proven not to exist (the generated restore_command makes 1 of it);
${noAnswerExit} anything else, so that PostgreSQL stops instead of promoting without the rest. Use the line that
\`pgrescue plan --emit recovery\` prints as restore_command: it is faster and safe against a missing program, too.`,
  options: {
    spool: { type: "string", value: "DIR", summary: "the recovery's spool with fetch.json (in generated commands)" },
    prefetch: { type: "boolean", summary: "keep segments ready for the recovery", hidden: true },
    after: { type: "string", value: "NAME", summary: "segment after which prefetching begins", hidden: true },
  },
  examples: [
    "pgrescue wal-fetch 00000001000000000000002A /tmp/segment  # fetch one file by hand, in the data directory",
  ],
  positionals: { min: 0, max: 2 },
  run: async (args, terminal) => {
    try {
      const spool = args.string("spool");
      if (args.flag("prefetch") && spool !== undefined) return await runPrefetcher(spool, args, terminal);
      return await fetchOne(args, terminal);
    } catch (error) {
      for (const line of failureLines(error)) terminal.log(line);
      return noAnswerExit;
    }
  },
};

async function fetchOne(args: Arguments, terminal: Terminal): Promise<number> {
  const [name, path] = args.positionals;
  if (name === undefined || path === undefined || parseWalFileName(name) === null) {
    throw new PgrescueError("usage", `wal-fetch needs the name of a WAL file and where to put it`);
  }
  const spool = args.string("spool");
  const to = resolve(terminal.cwd, path);
  const isStandby = (await recoveryModeOf(terminal.cwd)) === "standby";
  try {
    if (spool !== undefined && (await fromPrefetcher(spool, name, to))) return 0;
    const config =
      spool === undefined ? await configured(args, terminal) : await readFetchConfig(spoolPaths(spool).config);
    const request = requestOf(config);
    const fetched = await tryPatiently(() => fetchWal(name, request), {
      seconds: isStandby ? config.standbyPatienceSeconds : config.patienceSeconds,
      onRetry: (error, wait) => terminal.log(`pgrescue: ${messageOf(error)}; trying again in ${wait} s`),
    });
    if (fetched.kind === "absent") {
      terminal.log(`pgrescue: ${name} does not exist: ${fetched.because}`);
      return absentExit;
    }
    for (const warning of fetched.warnings) terminal.log(`pgrescue: ${warning}`);
    await placeFile(to, fetched.content);
    if (spool !== undefined) await startPrefetcher(spool, config, name);
    return 0;
  } catch (error) {
    if (!isStandby) throw error;
    // A standby that is told 1 goes on streaming and asks again; stopping it would be the worse answer.
    for (const line of failureLines(error)) terminal.log(line);
    return absentExit;
  }
}

async function configured(args: Arguments, terminal: Terminal): Promise<FetchConfig> {
  const { configuredFetch } = await import("./wal-settings.ts");
  return await configuredFetch(args, terminal);
}

async function fromPrefetcher(spool: string, name: string, to: string): Promise<boolean> {
  if (parseWalFileName(name)?.kind !== "segment") return false;
  const { socket } = spoolPaths(spool);
  if ((await stat(socket).catch(() => null)) === null) return false;
  const { askPrefetcher } = await import("../adapters/wal/prefetch-socket.ts");
  if ((await askPrefetcher(socket, name, prefetcherMilliseconds)) !== true) return false;
  const boot = await bootIdentifier();
  return boot !== null && (await handOver(join(spool, boot, name), to));
}

/** Starts the recovery's prefetcher in a session of its own; that it cannot start costs only time. */
async function startPrefetcher(spool: string, config: FetchConfig, after: string): Promise<void> {
  const [, script] = process.argv;
  if (config.ahead < 1 || script === undefined || parseWalFileName(after)?.kind !== "segment") return;
  try {
    const { spawn } = await import("node:child_process");
    const log = await open(spoolPaths(spool).log, "w", 0o600);
    try {
      const words = [script, "wal-fetch", "--prefetch", "--spool", spool, "--after", after];
      const child = spawn(process.execPath, words, {
        cwd: config.dataDirectory,
        detached: true,
        stdio: ["ignore", log.fd, log.fd],
      });
      child.on("error", () => undefined);
      child.unref();
    } finally {
      await log.close();
    }
  } catch {
    // No room or no right for a log: then without prefetching.
  }
}

async function runPrefetcher(spool: string, args: Arguments, terminal: Terminal): Promise<number> {
  const { prefetch } = await import("../adapters/wal/prefetch.ts");
  const config = await readFetchConfig(spoolPaths(spool).config);
  const reason = await prefetch({
    spool,
    config,
    request: requestOf(config),
    after: args.string("after") ?? "",
    log: (line) => terminal.log(`${new Date().toISOString()} ${line}`),
  });
  terminal.log(`${new Date().toISOString()} ${basename(process.argv[1] ?? "pgrescue")}: prefetching ends: ${reason}`);
  // A read that hangs in the storage must not keep this process beyond its recovery.
  // oxlint-disable-next-line unicorn/no-process-exit
  setTimeout(() => process.exit(0), 1000).unref();
  return 0;
}
