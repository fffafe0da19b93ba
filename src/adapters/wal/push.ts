import { open } from "node:fs/promises";
import { basename } from "node:path";
import { messageOf, PgrescueError } from "../../domain/errors.ts";
import { parseWalFileName } from "../../domain/segment.ts";
import type { WalArchive } from "../../ports/repository.ts";

export interface PushRequest {
  /** The file's name in pg_wal: a segment, .partial, .history or .backup. */
  readonly name: string;
  readonly content: Uint8Array;
  /** All of them must have it before PostgreSQL may forget it; the first is written first. */
  readonly archives: readonly { readonly name: string; readonly archive: WalArchive }[];
}

export interface Pushed {
  readonly repository: string;
  readonly result: "stored" | "already-there";
}

/**
 * Stores one file of pg_wal in every archive. Resolves only when all have it durably. When one fails the others still
 * get it, since a copy somewhere is worth more than none; then the first error is thrown.
 */
export async function pushWal({ name, content, archives }: PushRequest): Promise<readonly Pushed[]> {
  if (archives.length === 0) throw new PgrescueError("config", "there is no repository to store WAL in");
  const pushed: Pushed[] = [];
  const errors: unknown[] = [];
  for (const { name: repository, archive } of archives) {
    try {
      pushed.push({ repository, result: await archive.store(name, content) });
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
  return pushed;
}

/** Reads the file that archive_command's %p names. Throws `usage` where that is no WAL file. */
export async function readWalFile(path: string): Promise<{ readonly name: string; readonly content: Uint8Array }> {
  const name = basename(path);
  if (parseWalFileName(name) === null) {
    throw new PgrescueError("usage", `${JSON.stringify(path)} is not a WAL file`, {
      next: "archive_command calls `pgrescue wal-push %p`; by hand, name a file in pg_wal.",
    });
  }
  try {
    return { name, content: await readWhole(path) };
  } catch (error) {
    throw new PgrescueError("external-failure", `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** In one read: by the piece, as readFile does it, a segment takes three times as long. */
async function readWhole(path: string): Promise<Uint8Array> {
  await using handle = await open(path, "r");
  const { size } = await handle.stat();
  const content = Buffer.allocUnsafeSlow(size);
  for (let filled = 0; filled < size;) {
    const { bytesRead } = await handle.read(content, filled, size - filled, filled);
    if (bytesRead === 0) return content.subarray(0, filled);
    filled += bytesRead;
  }
  return content;
}

/**
 * The exit code of a failed wal-push: 1 to 125, because PostgreSQL's archiver dies of anything above, and never 3
 * ("done with warnings"), which would look like half a success.
 */
export function pushExit(error: unknown): number {
  const code = error instanceof PgrescueError ? error.exitCode : 1;
  return code >= 1 && code <= 125 && code !== 3 ? code : 1;
}
