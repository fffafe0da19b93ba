import { randomBytes } from "node:crypto";
import { chown, mkdir, open, readdir, readFile, rename, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { writeFileDurably } from "../system/durable-file.ts";
import { releaseBytes } from "../system/release-bytes.ts";
import { removeOwn } from "../system/remove.ts";
import type { FetchConfig } from "./fetch-config.ts";

/**
 * Where a recovery's prefetched segments lie: below pg_wal, so that handing one over is a rename. PostgreSQL leaves
 * names alone there that are not its own, and its base backups leave pg_wal's content out.
 */
export function spoolDirectoryOf(dataDirectory: string): string {
  return join(dataDirectory, "pg_wal", ".pgrescue-spool");
}

/** The spool's parts. */
export function spoolPaths(spool: string): { readonly config: string; readonly socket: string; readonly log: string } {
  return { config: join(spool, "fetch.json"), socket: join(spool, "prefetch.sock"), log: join(spool, "prefetch.log") };
}

/**
 * This start of the machine. Ready segments lie in a directory of this name: after a power cut a renamed file may be
 * there without its bytes, and fsync of each would cost what prefetching gains. null: unknown here, nothing is prefetched.
 */
export async function bootIdentifier(): Promise<string | null> {
  const text = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "");
  return /^[0-9a-f-]{36}$/.test(text.trim()) ? text.trim() : null;
}

/** Makes the spool, empty but for fetch.json, owned by the data directory's owner. Durable when this resolves. */
export async function prepareSpool(config: FetchConfig): Promise<string> {
  const spool = spoolDirectoryOf(config.dataDirectory);
  const { config: file } = spoolPaths(spool);
  const text = `${JSON.stringify(config, null, 2)}\n`;
  if ((await readFile(file, "utf8").catch(() => null)) === text) return spool;
  await clearSpool(config.dataDirectory);
  await mkdir(spool, { recursive: true, mode: 0o700 });
  await writeFileDurably(file, text);
  if (process.getuid?.() === 0) {
    const { uid, gid } = await stat(config.dataDirectory);
    for (const path of [dirname(spool), spool, file]) await chown(path, uid, gid);
  }
  return spool;
}

/** Removes the spool with everything in it; a running prefetcher notices and ends. */
export async function clearSpool(dataDirectory: string): Promise<void> {
  const spool = spoolDirectoryOf(dataDirectory);
  const within = dirname(spool);
  // Without its socket a prefetcher ends; until it has, it may put a file where we remove.
  await removeOwn(spoolPaths(spool).socket, { within });
  for (let tries = 0; ; tries++) {
    try {
      return await removeOwn(spool, { within });
    } catch (error) {
      if (tries === 10 || (error as { code?: string }).code !== "ENOTEMPTY") throw error;
      await delay(100);
    }
  }
}

/** The directory of ready segments of this start of the machine; ready segments of earlier ones are removed. */
export async function makeReadyDirectory(spool: string, boot: string): Promise<string> {
  for (const name of await readdir(spool)) {
    if (/^[0-9a-f-]{36}$/.test(name) && name !== boot) await removeOwn(join(spool, name), { within: spool });
  }
  const ready = join(spool, boot);
  await mkdir(ready, { recursive: true, mode: 0o700 });
  for (const name of await readdir(ready)) await removeOwn(join(ready, name), { within: spool });
  return ready;
}

/**
 * Makes `content`, pieces in order, appear at `path` whole, by a rename within its directory, and gives its memory back.
 * Nothing is left when that fails.
 */
export async function placeFile(path: string, content: readonly Uint8Array[]): Promise<void> {
  const temporary = `${path}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    await writePieces(temporary, content);
    await rename(temporary, path);
    for (const piece of content) releaseBytes(piece);
  } catch (error) {
    await removeOwn(temporary, { within: dirname(path) });
    throw error;
  }
}

/** All pieces in one write: by the piece, as writeFile does it, a segment takes several times as long. */
async function writePieces(path: string, pieces: readonly Uint8Array[]): Promise<void> {
  await using handle = await open(path, "wx", 0o600);
  let left = pieces.filter((piece) => piece.length > 0);
  while (left.length > 0) {
    let { bytesWritten } = await handle.writev(left);
    left = left.flatMap((piece) => {
      const written = Math.min(bytesWritten, piece.length);
      bytesWritten -= written;
      return written === piece.length ? [] : [piece.subarray(written)];
    });
  }
}

/** Hands over a ready segment by a rename; false when it is not there (any more). */
export async function handOver(ready: string, to: string): Promise<boolean> {
  return await rename(ready, to).then(
    () => true,
    () => false,
  );
}
