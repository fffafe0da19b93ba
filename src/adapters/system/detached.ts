import { spawn } from "node:child_process";
import { closeSync, createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { messageOf, PgrescueError, errorKinds, type ErrorCode } from "../../domain/errors.ts";
import type { OsUser } from "../../ports/shell.ts";
import { brokerStdio } from "./broker.ts";
import { asUser } from "./exec.ts";

/** The descriptor on which a runner tells its starter that it works, or why it does not. */
const readyDescriptor = 3;

export interface DetachedOptions {
  readonly runDirectory: string;
  /** The whole command that becomes the runner. */
  readonly argv: readonly string[];
  /** Another user to run as; only root may name one. */
  readonly user?: OsUser;
}

/**
 * Starts a process in a session of its own, without terminal, its output in `<runDirectory>/runner.log` (0600), and
 * resolves with its pid once it says that it works. Throws the error it reports instead, or `external-failure` with the
 * end of its log when it died without a word.
 */
export async function spawnRunner(options: DetachedOptions): Promise<number> {
  const path = join(options.runDirectory, "runner.log");
  const log = await open(path, "a", 0o600);
  const [file = "", ...rest] = asUser(options.argv, options.user);
  try {
    const child = spawn(file, rest, {
      detached: true,
      cwd: "/",
      stdio: ["ignore", log.fd, log.fd, "pipe", ...brokerStdio()],
    });
    const started = new Promise<number>((done, failed) => {
      child.once("spawn", () => done(child.pid ?? 0));
      child.once("error", (error) =>
        failed(new PgrescueError("external-failure", `cannot start the runner: ${error.message}`, { cause: error })),
      );
    });
    const pid = await started;
    const said = await firstLine(child.stdio[readyDescriptor] as Readable);
    child.unref();
    const failure = reported(said);
    if (failure !== null) throw failure;
    if (said !== "ready")
      throw new PgrescueError("external-failure", `the runner ended before it began; its words are in ${path}`);
    return pid;
  } finally {
    await log.close();
  }
}

/** In the runner: tells the starter that the work goes on without it. Does nothing when nobody listens. */
export async function reportReady(): Promise<void> {
  await report("ready");
}

/** In the runner: tells the starter why there will be no work. */
export async function reportFailure(error: unknown): Promise<void> {
  const code = error instanceof PgrescueError ? error.code : "bug";
  const detail = error instanceof PgrescueError ? { means: error.means, next: error.next } : {};
  await report(JSON.stringify({ code, message: messageOf(error), ...detail }));
}

function report(line: string): Promise<void> {
  return new Promise((done) => {
    const stream = createWriteStream("", { fd: readyDescriptor, autoClose: false });
    stream.once("error", () => done());
    stream.end(`${line}\n`, () => {
      try {
        closeSync(readyDescriptor);
      } catch {
        // Started by hand, without the pipe: nobody is waiting.
      }
      done();
    });
  });
}

async function firstLine(pipe: Readable): Promise<string> {
  try {
    for await (const line of createInterface({ input: pipe })) return line;
    return "";
  } finally {
    pipe.destroy();
  }
}

function reported(said: string): PgrescueError | null {
  if (!said.startsWith("{")) return null;
  const value = JSON.parse(said) as {
    readonly code: string;
    readonly message: string;
    readonly means?: string;
    readonly next?: string;
  };
  const code: ErrorCode = Object.hasOwn(errorKinds, value.code) ? (value.code as ErrorCode) : "bug";
  return new PgrescueError(code, value.message, {
    ...(value.means === undefined ? {} : { means: value.means }),
    ...(value.next === undefined ? {} : { next: value.next }),
  });
}
