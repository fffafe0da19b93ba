import { commandLine } from "../../domain/command-line.ts";
import { PgrescueError } from "../../domain/errors.ts";
import type { Arguments } from "../command.ts";

/** A command of a generated script; arguments are quoted where a shell needs it. */
export function shell(...argv: readonly string[]): string {
  return commandLine(argv);
}

/** A file that a generated script writes, for commands that read JSON from one. */
export function jsonFile(name: string, document: object): readonly string[] {
  return [`cat > ${name} <<'END'`, ...JSON.stringify(document, null, 2).split("\n"), "END"];
}

/**
 * A name from the command line or the configuration. Names go into policies and paths besides, so only what clouds take
 * for names is accepted. Throws `usage` naming the option.
 */
export function nameFrom(args: Arguments, option: string, fallback: string | null): string {
  const name = args.string(option) ?? fallback;
  if (name === null)
    throw new PgrescueError("usage", `it is not said which --${option}`, {
      next: `Name it with --${option}, or configure a repository there.`,
    });
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,126}$/.test(name)) return name;
  throw new PgrescueError("usage", `--${option} ${JSON.stringify(name)} is not a name`, {
    next: "Names consist of letters, digits, dots, hyphens and underscores.",
  });
}
