import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { execa } from "execa";
import { PgrescueError } from "../../domain/errors.ts";
import { Secret } from "../../domain/secret.ts";
import type { CommandOptions } from "../../ports/shell.ts";

export interface StreamOptions {
  /** Added to ours; undefined takes a variable away. */
  readonly env?: CommandOptions["env"];
  /** What it reads from its standard input; nothing where absent. */
  readonly input?: AsyncIterable<Uint8Array>;
  /** Told each line of its standard error. */
  readonly onLine: (line: string) => void;
  readonly signal: AbortSignal;
}

/** A program that is running. */
export interface ProgramStream {
  /** Its standard output, as fast as it is taken. Must be read to the end. */
  readonly output: AsyncIterable<Uint8Array>;
  /** How it ended, after all its lines; a failing exit is a value. Throws what `input` throws, and `external-failure` where it cannot be started. */
  readonly ended: Promise<{ readonly exit: number | null; readonly signal: string | null }>;
}

/** Runs a program whose input or output is too large to be held. The signal ends it (TERM, KILL after 10 s). */
export function streamProgram(argv: readonly string[], options: StreamOptions): ProgramStream {
  const [file = "", ...args] = argv;
  const failed = new AbortController();
  const child = execa(file, args, {
    reject: false,
    buffer: false,
    cwd: "/",
    env: {
      LC_ALL: "C",
      ...Object.fromEntries(
        Object.entries(options.env ?? {}).map(([k, v]) => [k, v instanceof Secret ? v.reveal() : v]),
      ),
    },
    stdin: options.input === undefined ? "ignore" : "pipe",
    forceKillAfterDelay: 10_000,
    cancelSignal: AbortSignal.any([options.signal, failed.signal]),
  });
  const lines = readLines(child.stderr, options.onLine);
  const feeding = options.input === undefined ? Promise.resolve(null) : feed(options.input, child, failed);
  return { output: child.stdout, ended: end() };

  async function end(): ReturnType<() => ProgramStream["ended"]> {
    const [result, trouble] = await Promise.all([child, feeding, lines]);
    if (trouble !== null) throw trouble;
    if (result.exitCode === undefined && result.signal === undefined && !result.isCanceled)
      throw new PgrescueError("external-failure", `cannot run ${file}: ${result.shortMessage}`, { cause: result });
    return { exit: result.exitCode ?? null, signal: result.signal ?? null };
  }
}

/** Gives the program its input. What the source throws ends the program and is the answer; that nobody reads on is not. */
async function feed(
  input: AsyncIterable<Uint8Array>,
  child: { readonly stdin: NodeJS.WritableStream | null },
  failed: AbortController,
): Promise<unknown> {
  let trouble: unknown = null;
  const source = (async function* watched(): AsyncIterable<Uint8Array> {
    try {
      yield* input;
    } catch (error) {
      trouble = error;
      failed.abort();
      throw error;
    }
  })();
  if (child.stdin !== null) await pipeline(Readable.from(source), child.stdin).catch(() => undefined);
  return trouble;
}

async function readLines(stream: Readable | null, onLine: (line: string) => void): Promise<void> {
  if (stream === null) return;
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) onLine(line);
}
