import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join, resolve } from "node:path";
import { messageOf, PgrescueError } from "../../domain/errors.ts";
import { writeFileDurably } from "./durable-file.ts";
import { ownIdentity, type ProcessIdentity } from "./process-identity.ts";
import { removeOwn } from "./remove.ts";

/** Who holds a lock: what it says to everybody who asks. */
export interface LockHolder extends ProcessIdentity {
  readonly run: string;
  readonly user: string;
  /** ISO 8601 UTC. */
  readonly since: string;
}

export interface LockRequest {
  readonly systemIdentifier: string;
  readonly dataDirectory: string;
  readonly run: string;
  readonly user: string;
  readonly since: string;
  readonly stateDirectory: string;
}

/** A lock that is held until `release` or the end of the process, however it ends. */
export interface HeldLock {
  readonly holder: LockHolder;
  release(): Promise<void>;
}

/**
 * Takes the one lock per database system and data directory: a bound abstract UNIX socket, so it is the same for root,
 * postgres and the operator, and a dead holder keeps nothing (Linux unix(7); one network namespace). A file in
 * `<stateDirectory>/locks` says the same to people, but decides nothing. Throws `locked` naming the holder.
 */
export async function acquireLock(request: LockRequest): Promise<HeldLock> {
  const name = lockName(request.systemIdentifier, request.dataDirectory);
  const holder: LockHolder = { ...(await ownIdentity()), run: request.run, user: request.user, since: request.since };
  const line = `${JSON.stringify(holder)}\n`;
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.end(line);
  });
  try {
    await listen(server, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw locked(await lockHolder(request.systemIdentifier, request.dataDirectory), error);
  }
  server.unref();
  const directory = join(request.stateDirectory, "locks");
  const file = join(directory, `${name.slice("\0pgrescue-".length)}.json`);
  await mkdir(directory, { recursive: true, mode: 0o700 })
    .then(() => writeFileDurably(file, line))
    // It only informs: a full or read-only disk must not keep the lock from being taken.
    .catch(() => undefined);
  return {
    holder,
    release: async () => {
      await removeOwn(file, { within: directory }).catch(() => undefined);
      await new Promise<void>((done) => void server.close(() => done()));
    },
  };
}

/** Who holds the lock now; null when nobody does or the holder does not say. */
async function lockHolder(systemIdentifier: string, dataDirectory: string): Promise<LockHolder | null> {
  const text = await readAll(connect(lockName(systemIdentifier, dataDirectory))).catch(() => "");
  try {
    const value: unknown = JSON.parse(text);
    return isHolder(value) ? value : null;
  } catch {
    return null;
  }
}

function lockName(systemIdentifier: string, dataDirectory: string): string {
  const place = createHash("sha256").update(resolve(dataDirectory)).digest("hex").slice(0, 16);
  return `\0pgrescue-${systemIdentifier.replaceAll(/[^0-9A-Za-z]/g, "").slice(0, 40)}-${place}`;
}

function locked(holder: LockHolder | null, cause: unknown): PgrescueError {
  if (holder === null) {
    return new PgrescueError("locked", "another process holds the lock of this cluster and does not say who it is", {
      next: "Look for it with `ss -xlp | grep pgrescue`, or wait for it.",
      cause,
    });
  }
  return new PgrescueError(
    "locked",
    `run ${holder.run} works on this cluster (process ${holder.pid} of ${holder.user}, since ${holder.since})`,
    {
      next: `Join it with \`pgrescue attach ${holder.run}\`, or wait for it.`,
      cause,
    },
  );
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((done, failed) => {
    server.once("error", failed);
    server.listen(path, () => {
      server.off("error", failed);
      done();
    });
  });
}

async function readAll(socket: Socket): Promise<string> {
  socket.setTimeout(2000, () => socket.destroy(new Error("the holder does not answer")));
  let text = "";
  for await (const chunk of socket) {
    text += String(chunk);
    if (text.length > 10_000)
      throw new PgrescueError("locked", `the holder of the lock says too much: ${messageOf(text.slice(0, 80))}`);
  }
  return text;
}

function isHolder(value: unknown): value is LockHolder {
  const strings = ["startTime", "bootId", "run", "user", "since"];
  if (typeof value !== "object" || value === null) return false;
  const record = value as { readonly [key: string]: unknown };
  return typeof record["pid"] === "number" && strings.every((key) => typeof record[key] === "string");
}
