import { chmod, open } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { messageOf, PgrescueError } from "../../domain/errors.ts";
import { removeOwn } from "./remove.ts";

/** A face's message and the runner's reply: small plain JSON, checked by whoever understands them. */
export interface RunnerService {
  /** The lines (JSON, no newline) that every face gets, from the first on; each call is a reader of its own. */
  lines(): AsyncIterable<string>;
  /** Answers one message; what it throws is sent to the face as an error. */
  handle(message: unknown): Promise<unknown>;
}

const name = "runner.sock";
/** A face that sends a longer line is not one of ours. */
const longestMessage = 64 * 1024;

/**
 * Opens `<runDirectory>/runner.sock` (0600) and serves faces on it: the run's lines to each, at its own pace, and replies
 * to its messages. The caller holds the run's lock, so a socket that is there already is a dead runner's. Changes the
 * process's working directory to the run directory: a bound path may be 107 bytes long, a relative one always fits.
 */
export async function serveFaces(runDirectory: string, service: RunnerService): Promise<{ close(): Promise<void> }> {
  process.chdir(runDirectory);
  await removeOwn(join(runDirectory, name), { within: runDirectory });
  const sockets = new Set<Socket>();
  const served = new Set<Promise<void>>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    const done = serve(socket, service).finally(() => served.delete(done));
    served.add(done);
  });
  await new Promise<void>((done, failed) => {
    server.once("error", failed);
    server.listen(name, () => done());
  });
  await chmod(join(runDirectory, name), 0o600);
  return {
    close: async () => {
      const closed = new Promise<void>((done) => void server.close(() => done()));
      // Faces get the last lines; one that does not read has a second.
      await Promise.race([Promise.all(served), new Promise((done) => setTimeout(done, 1000).unref())]);
      for (const socket of sockets) socket.destroy();
      await closed;
      await removeOwn(join(runDirectory, name), { within: runDirectory }).catch(() => undefined);
    },
  };
}

async function serve(socket: Socket, service: RunnerService): Promise<void> {
  void takeMessages(socket, service);
  for await (const line of service.lines()) {
    if (socket.destroyed) return;
    if (!socket.write(`${line}\n`)) await drained(socket);
  }
  await new Promise<void>((done) => {
    if (socket.destroyed) done();
    else socket.once("close", () => done()).end();
  });
}

function drained(socket: Socket): Promise<void> {
  return new Promise((done) => {
    const finish = (): void => {
      socket.off("drain", finish).off("close", finish);
      done();
    };
    socket.once("drain", finish).once("close", finish);
  });
}

async function takeMessages(socket: Socket, service: RunnerService): Promise<void> {
  let pending = "";
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    pending += chunk;
    const lines = pending.split("\n");
    pending = lines.pop() ?? "";
    if (pending.length > longestMessage) socket.destroy();
    for (const line of lines) void reply(socket, service, line);
  });
}

async function reply(socket: Socket, service: RunnerService, line: string): Promise<void> {
  let id: unknown = null;
  let result: object;
  try {
    const message: unknown = JSON.parse(line);
    id = typeof message === "object" && message !== null && "id" in message ? message.id : null;
    result = { value: (await service.handle(message)) ?? null };
  } catch (error) {
    result = { error: messageOf(error) };
  }
  if (!socket.destroyed) socket.write(`${JSON.stringify({ reply: id, ...result })}\n`);
}

/** A face's end of a runner's socket. */
export interface RunnerConnection {
  /** The run's lines as parsed JSON, replies left out; ends when the runner closes or dies. One reader. */
  values(): AsyncIterable<unknown>;
  /** Sends a message and gives the reply's value. Throws `precondition-refused` with the runner's words or when it is gone. */
  send(message: { readonly [key: string]: unknown }): Promise<unknown>;
  close(): void;
}

/** Connects to the runner that works in a run directory; null when none does. Throws `precondition-refused` when it may not. */
export async function connectToRunner(runDirectory: string): Promise<RunnerConnection | null> {
  // Through an open directory the path is short whatever the directory's own length is.
  const directory = await open(runDirectory, "r");
  let socket: Socket;
  try {
    socket = await connected(`/proc/self/fd/${directory.fd}/${name}`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ECONNREFUSED") return null;
    throw new PgrescueError("precondition-refused", `cannot join the runner in ${runDirectory}: ${messageOf(error)}`, {
      next: "Join as the user that the run works as (the owner of the data directory) or as root.",
      cause: error,
    });
  } finally {
    await directory.close();
  }
  return createConnection(socket);
}

function connected(path: string): Promise<Socket> {
  return new Promise((done, failed) => {
    const socket = connect(path);
    socket.once("error", failed);
    socket.once("connect", () => {
      // From now on, and without a gap: a runner that is killed resets what it has not even accepted.
      socket.on("error", () => socket.destroy());
      socket.off("error", failed);
      done(socket);
    });
  });
}

function createConnection(socket: Socket): RunnerConnection {
  const waiting = new Map<
    number,
    { readonly done: (value: unknown) => void; readonly failed: (error: Error) => void }
  >();
  let sent = 0;
  socket.on("close", () => {
    for (const { failed } of waiting.values()) failed(gone());
    waiting.clear();
  });

  async function* values(): AsyncGenerator {
    let pending = "";
    socket.setEncoding("utf8");
    try {
      for await (const chunk of socket) {
        const lines = `${pending}${String(chunk)}`.split("\n");
        pending = lines.pop() ?? "";
        for (const line of lines) {
          const value = parsed(line);
          if (isReply(value)) settle(value);
          else yield value;
        }
      }
    } catch {
      // A runner that was killed resets the connection; what it still wrote is in the journal.
    } finally {
      socket.destroy();
    }
  }

  function settle(value: { readonly reply: unknown; readonly value?: unknown; readonly error?: unknown }): void {
    const request = typeof value.reply === "number" ? waiting.get(value.reply) : undefined;
    if (request === undefined) return;
    waiting.delete(value.reply as number);
    if (typeof value.error === "string") request.failed(new PgrescueError("precondition-refused", value.error));
    else request.done(value.value);
  }

  return {
    values,
    send: (message) => {
      if (socket.destroyed) return Promise.reject(gone());
      const id = ++sent;
      return new Promise((done, failed) => {
        waiting.set(id, { done, failed });
        socket.write(`${JSON.stringify({ ...message, id })}\n`);
      });
    },
    close: () => socket.destroy(),
  };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function isReply(
  value: unknown,
): value is { readonly reply: unknown; readonly value?: unknown; readonly error?: unknown } {
  return typeof value === "object" && value !== null && "reply" in value;
}

function gone(): PgrescueError {
  return new PgrescueError("precondition-refused", "the runner of this run is gone", {
    next: "Go on with `pgrescue continue`.",
  });
}
