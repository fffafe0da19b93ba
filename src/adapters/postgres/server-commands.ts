import { join } from "node:path";
import { PgrescueError } from "../../domain/errors.ts";
import type { StartOptions, StopOptions } from "../../ports/postgres.ts";

/**
 * `pg_ctl -W start` for a server of our own. -W, because with -w pg_ctl gives up after a minute while replay goes on, and
 * reports success as soon as reads are possible, long before the target. `-l` is needed: without it the server would hold
 * our pipe open for ever.
 */
export function startCommand(options: StartOptions): readonly string[] {
  const settings = Object.entries(options.settings).map(([name, value]) => `-c ${forShell(`${name}=${value}`)}`);
  return [
    join(options.installation.bin, "pg_ctl"),
    "-D",
    options.dataDirectory,
    "-W",
    "-l",
    options.logFile,
    ...(settings.length === 0 ? [] : ["-o", settings.join(" ")]),
    "start",
  ];
}

/** `pg_ctl -w stop`, waiting up to ten minutes: a shutdown checkpoint of a large server takes its time. */
export function stopCommand(options: StopOptions): readonly string[] {
  return [
    join(options.installation.bin, "pg_ctl"),
    "-D",
    options.dataDirectory,
    "-m",
    options.mode,
    "-w",
    "-t",
    "600",
    "stop",
  ];
}

/** pg_ctl hands `-o` to /bin/sh: one argument of it, in single quotes. */
function forShell(text: string): string {
  if (/[\n\r\0]/.test(text))
    throw new PgrescueError(
      "precondition-refused",
      `a setting's value cannot contain a line break: ${JSON.stringify(text.slice(0, 60))}`,
    );
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
