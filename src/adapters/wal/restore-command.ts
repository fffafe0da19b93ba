import { PgrescueError } from "../../domain/errors.ts";

/** What wal-fetch exits with for proven absence: nothing else on the way produces it, a crashing Node exits with 1. */
export const absentExit = 77;
/** What wal-fetch exits with when it has no answer; PostgreSQL stops recovery and goes on at the next start. */
export const noAnswerExit = 255;

/**
 * First words of a restore_command: whatever ends the shell before an answer, its own failures included (dash that cannot
 * fork exits with 2, which PostgreSQL takes for the end of WAL), becomes "no answer".
 */
export const guardShell = `x=${noAnswerExit}; trap 'exit $x' 0`;
/** Words right behind wal-fetch: its exit code becomes PostgreSQL's, a SIGTERM stays one; what follows says "no answer". */
export const judgeExit = `r=$?; case $r in 0) x=0; exit;; ${absentExit}) x=1; exit;; 143) trap - 0; kill -TERM $$;; esac`;

export interface RestoreCommandParts {
  /** Absolute path of the Node that runs the script. */
  readonly node: string;
  /** Absolute path of bin/pgrescue.js. */
  readonly script: string;
  /** Absolute path of the spool with fetch.json. */
  readonly spool: string;
}

/**
 * The value of restore_command (PostgreSQL manual, 26.3.4): one line for /bin/sh. It hands over a prefetched segment by
 * a rename; only on a miss it starts Node. Exit code 1, which PostgreSQL takes for the end of WAL, comes from a proof
 * only; a signal stays a signal; everything else, a missing program included, is 255. Not yet quoted for
 * postgresql.conf: see quoteSetting.
 */
export function generateRestoreCommand({ node, script, spool }: RestoreCommandParts): string {
  for (const path of [node, script, spool]) {
    if (!path.startsWith("/") || /[\n\r\0]/.test(path)) {
      throw new PgrescueError("config", `${JSON.stringify(path)} cannot stand in restore_command`, {
        next: "Use absolute paths without line breaks for the data directory and for pgrescue.",
      });
    }
  }
  return [
    guardShell,
    `s=${shellQuote(spool)}`,
    "read -r b 2>/dev/null </proc/sys/kernel/random/boot_id || b=unknown",
    '[ -f "$s/$b/%f" ] && mv -f "$s/$b/%f" "%p" && x=0 && exit',
    `${shellQuote(node)} ${shellQuote(script)} wal-fetch --spool "$s" "%f" "%p"`,
    judgeExit,
    `echo "pgrescue: no answer about %f (exit code $r); recovery stops so that nothing is lost" >&2; exit`,
  ].join("; ");
}

/** Quotes a word for /bin/sh within restore_command or archive_command, where PostgreSQL reads % itself. */
export function shellQuote(word: string): string {
  return `'${word.replaceAll("'", "'\\''").replaceAll("%", "%%")}'`;
}

/** Quotes a value for postgresql.conf: quotes and backslashes doubled. */
export function quoteSetting(value: string): string {
  return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

/** Where wal-push notes, in a file of the segment's name, what it has sent ahead; below the data directory. */
export const pushedDirectory = "pg_wal/.pgrescue-pushed";

/**
 * The value of archive_command: wal-push with every exit code that would kill the archiver, and a missing program, as 1. A
 * segment that was sent with an earlier one is confirmed without starting Node, as long as the configuration is no newer.
 */
export function generateArchiveCommand(parts: {
  readonly node: string;
  readonly script: string;
  /** Absolute path of pgrescue.yaml; null where it is found by itself. */
  readonly config: string | null;
}): string {
  const config = parts.config === null ? "" : ` --config ${shellQuote(parts.config)}`;
  const note = `"${pushedDirectory}/%f"`;
  const sent = parts.config === null ? "" : `[ ${note} -nt ${shellQuote(parts.config)} ] && rm ${note} && exit; `;
  return `${sent}${shellQuote(parts.node)} ${shellQuote(parts.script)} wal-push${config} "%p"; r=$?; [ $r -le 125 ] || r=1; exit $r`;
}
