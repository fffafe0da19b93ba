import { execa } from "execa";
import { PgrescueError } from "../../domain/errors.ts";
import { Secret } from "../../domain/secret.ts";
import type { CommandOptions, CommandResult, OsUser, Shell } from "../../ports/shell.ts";

/** What is kept of a program's output at the most, in characters: a child cannot fill our memory. */
const outputLimit = 16 * 1024 * 1024;

/** The arguments that run `argv` as another user with its groups; unchanged when that is us. */
export function asUser(argv: readonly string[], user: OsUser | undefined): readonly string[] {
  if (user === undefined || process.getuid?.() === user.uid) return argv;
  return ["setpriv", `--reuid=${user.uid}`, `--regid=${user.gid}`, "--init-groups", "--", ...argv];
}

/** Runs programs through execa: argument arrays, no shell, LC_ALL=C so that output can be read. */
export function createShell(): Shell {
  return { run };
}

async function run(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [file, ...args] = asUser(argv, options.as);
  if (file === undefined) throw new PgrescueError("bug", "asked to run an empty command");
  const started = performance.now();
  const result = await execa(file, args, {
    reject: false,
    stripFinalNewline: false,
    maxBuffer: outputLimit,
    cwd: options.cwd ?? "/",
    env: {
      LC_ALL: "C",
      ...(options.as === undefined ? {} : { USER: options.as.name, LOGNAME: options.as.name }),
      ...revealed(options.env),
    },
    forceKillAfterDelay: 10_000,
    ...(options.input === undefined ? { stdin: "ignore" as const } : { input: options.input }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
  });
  if (result.exitCode === undefined && result.signal === undefined && !result.isCanceled) {
    throw new PgrescueError("external-failure", `cannot run ${file}: ${result.shortMessage}`, { cause: result });
  }
  return {
    argv,
    exit: result.exitCode ?? null,
    signal: result.signal ?? null,
    stdout: result.stdout,
    stderr: result.stderr,
    milliseconds: Math.round(performance.now() - started),
  };
}

function revealed(env: CommandOptions["env"]): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(env ?? {}).map(([name, value]) => [name, value instanceof Secret ? value.reveal() : value]),
  );
}
