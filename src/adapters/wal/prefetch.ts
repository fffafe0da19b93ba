import { stat, statfs } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { livingPostmaster, recoveryModeOf } from "./data-directory.ts";
import { historyOf, type FetchConfig } from "./fetch-config.ts";
import { fetchWal, type WalRequest } from "./fetch.ts";
import { answerRequests } from "./prefetch-socket.ts";
import { createWindow } from "./prefetch-window.ts";
import { bootIdentifier, makeReadyDirectory, spoolPaths } from "./spool.ts";
import { segmentAfter } from "./successor.ts";

export interface PrefetchOptions {
  readonly spool: string;
  readonly config: FetchConfig;
  readonly request: WalRequest;
  /** The segment after which to begin: recovery has it already. */
  readonly after: string;
  /** One line for the prefetcher's own log. */
  readonly log: (line: string) => void;
  /** Milliseconds without a request until it ends; a paused recovery starts it again when it goes on. */
  readonly idle?: number;
}

const everyMilliseconds = 40;
const checkEveryMilliseconds = 400;

/**
 * Keeps verified segments ready for one recovery and ends with it: postmaster gone, promoted, nothing asked for a
 * while, spool or data directory gone. Resolves with the reason. It is a cache only: what it cannot get it leaves to
 * wal-fetch, which alone judges absence.
 */
export async function prefetch(options: PrefetchOptions): Promise<string> {
  const { spool, config, request, log } = options;
  const postmaster = await livingPostmaster(config.dataDirectory);
  const boot = await bootIdentifier();
  if (postmaster === null || boot === null) return "there is no running server";
  const { socket } = spoolPaths(spool);
  let opened: ReturnType<typeof createWindow> | null = null;
  let asked = performance.now();
  const server = await answerRequests(socket, async (name) => {
    asked = performance.now();
    return (await opened?.want(name)) ?? false;
  });
  if (server === null) return "another prefetcher is at work";
  const ready = await makeReadyDirectory(spool, boot);
  const target = historyOf(config);
  const window = createWindow({
    ready,
    ahead: config.ahead,
    parallel: 2,
    after: (name) => segmentAfter(name, config.segmentSize, target),
    load: async (name) => {
      if (!(await hasRoom(spool, config))) return null;
      try {
        const fetched = await fetchWal(name, request);
        if (fetched.kind === "found") return fetched.content;
        log(`${name}: not there, ${fetched.because}`);
      } catch (error) {
        log(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
      return null;
    },
  });
  opened = window;
  const own = await inodeOf(socket);
  const first = segmentAfter(options.after, config.segmentSize, target);
  if (first !== null) void window.want(first);
  let checked = 0;
  for (;;) {
    await delay(everyMilliseconds);
    const hasMoved = await window.advance().catch(() => false);
    const now = performance.now();
    if (hasMoved) asked = now;
    if (now - checked < checkEveryMilliseconds) continue;
    checked = now;
    const reason = await endOf(options, { postmaster, socket: own, quiet: now - asked });
    if (reason === null) continue;
    server.close();
    await window.close(reason !== "idle").catch(() => undefined);
    return reason;
  }
}

/** Why the prefetcher should end; null while it should not. */
async function endOf(
  { spool, config, idle = 300_000 }: PrefetchOptions,
  seen: { readonly postmaster: number; readonly socket: number | null; readonly quiet: number },
): Promise<string | null> {
  if ((await livingPostmaster(config.dataDirectory)) !== seen.postmaster) return "the server is gone";
  if ((await recoveryModeOf(config.dataDirectory)) === null) return "recovery has ended";
  if ((await inodeOf(spoolPaths(spool).socket)) !== seen.socket) return "the spool is not ours any more";
  return seen.quiet > idle ? "idle" : null;
}

async function inodeOf(path: string): Promise<number | null> {
  return await stat(path).then(
    (info) => info.ino,
    () => null,
  );
}

/** Never fills pg_wal's file system: PostgreSQL would stop. */
async function hasRoom(spool: string, config: FetchConfig): Promise<boolean> {
  const { bavail, bsize } = await statfs(spool);
  return bavail * bsize > 2 * config.ahead * config.segmentSize;
}
