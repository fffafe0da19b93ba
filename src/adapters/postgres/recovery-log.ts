import { parseInstant } from "../../domain/instant.ts";
import { parseLsn } from "../../domain/lsn.ts";
import type { RecoveryMessage, RecoveryStop } from "../../ports/postgres.ts";
import { fatalMends, troubleMends } from "./recovery-trouble.ts";

/** A line of the server's log taken apart; `process` is the number in `[...]`, where the prefix has it. */
export interface LogLine {
  readonly severity: string;
  readonly process: number | null;
  readonly text: string;
}

const severities =
  /(?:^|\s|:)(DEBUG[1-5]?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|CONTEXT|STATEMENT|QUERY|LOCATION): {2}(.*)$/;

/** Finds severity and message behind whatever log_line_prefix; null for a line that continues the one before. */
export function parseLogLine(line: string): LogLine | null {
  const m = severities.exec(line);
  if (m === null) return null;
  const process = /\[(\d+)\]/.exec(line.slice(0, m.index + 1));
  return { severity: m[1] ?? "", process: process === null ? null : Number(process[1]), text: m[2] ?? "" };
}

type Known = readonly [RegExp, RecoveryMessage["kind"], (m: RegExpExecArray) => string];

/** What the startup process says (xlogrecovery.c, xlog.c, postmaster.c; PG 12-18), and what it means. */
const known: readonly Known[] = [
  [/^starting PostgreSQL ([\d.]+)/, "started", (m) => `PostgreSQL ${m[1]} starts`],
  [
    /^database system was (interrupted|shut down|not properly shut down)/,
    "interrupted-before",
    () => "it begins from the files of the backup, as after a crash",
  ],
  [/^(?:starting|completed) backup recovery/, "backup-recovery", () => "it makes the backup consistent"],
  [/^redo starts at (\S+)/, "redo", (m) => `replay begins at ${m[1]}`],
  [/^restored log file "([^"]+)" from archive/, "restored", (m) => `fetched ${m[1]}`],
  [
    /^consistent recovery state reached(?: at (\S+))?/,
    "consistent",
    (m) => `the files are consistent${m[1] === undefined ? "" : ` at ${m[1]}`}; replay goes on`,
  ],
  [
    /^database system is ready to accept read[- ]only connections/,
    "accepting-reads",
    () => "reads are possible, but the target is not reached yet",
  ],
  [/^new target timeline is (\d+)/, "new-target-timeline", (m) => `it now follows timeline ${m[1]}`],
  [/^recovery stopping (.*)/, "stopping", (m) => `stops ${m[1]}`],
  [/^redo done at (\S+)/, "redo-done", (m) => `replay ended at ${m[1]}`],
  [/^last completed transaction was at log time (.*)/, "last-transaction", (m) => `the last transaction is of ${m[1]}`],
  [/^pausing at the end of recovery/, "pausing", () => "paused at the target; nothing is decided yet"],
  [/^selected new timeline ID: (\d+)/, "new-timeline", (m) => `it leaves the old history and begins timeline ${m[1]}`],
  [/^archive recovery complete/, "complete", () => "recovery is complete"],
  [/^database system is ready to accept connections/, "ready", () => "the server accepts connections and writes"],
  [/^shutdown at recovery target/, "shut-down", () => "it shuts down at the target, as asked"],
  [/^database system is shut down/, "shut-down", () => "the server has stopped"],
];

/** Rejected sessions are FATAL too; they say nothing about recovery. */
const ofSessions =
  /^(?:the database system is (?:starting up|not yet accepting connections|not accepting connections|shutting down|in recovery mode)|password authentication|(?:role|database) ".*" does not exist|no pg_hba\.conf|pg_hba\.conf rejects|Peer authentication|terminating (?:connection|walreceiver|background|autovacuum|logical|parallel)|sorry, too many clients|remaining connection slots|connection to client lost|canceling)/;

/** The plain meaning of a known line; null for any other. Trouble and what kills the server carry a mend. */
export function explainLogLine({ severity, text }: LogLine): RecoveryMessage | null {
  if (severity === "FATAL" || severity === "PANIC") {
    if (ofSessions.test(text)) return null;
    const mend = fatalMends.find(([pattern]) => pattern.test(text))?.[1];
    return { kind: "fatal", text, line: text, ...(mend === undefined ? {} : { mend }) };
  }
  if (
    severity === "WARNING" &&
    text.startsWith("hot standby is not possible because of insufficient parameter settings")
  ) {
    return {
      kind: "insufficient-settings",
      text: "replay is held: a setting is lower than the primary's was",
      line: text,
      mend: "Raise the settings that the log names (max_connections and so on) to the primary's values and start again.",
    };
  }
  const trouble =
    severity === "LOG" || severity === "WARNING" || severity === "ERROR"
      ? troubleMends.find(([pattern]) => pattern.test(text))
      : undefined;
  if (trouble !== undefined) return { kind: "trouble", text, line: text, mend: trouble[1] };
  if (severity !== "LOG") return null;
  for (const [pattern, kind, meaning] of known) {
    const m = pattern.exec(text);
    if (m !== null) return { kind, text: meaning(m), line: text };
  }
  return null;
}

/** Reads `recovery stopping before commit of transaction 734, time 2026-...` and its sisters; null when it is none. */
export function parseRecoveryStop(text: string): RecoveryStop | null {
  const m = /^recovery stopping (before|after|at) (.*)$/.exec(text);
  if (m === null) return null;
  const what = m[2] ?? "";
  const xid = /transaction (\d+)/.exec(what)?.[1];
  const at = /, time (.+)$/.exec(what)?.[1];
  const position = /\(LSN\) "([0-9A-F]+\/[0-9A-F]+)"/i.exec(what)?.[1];
  return {
    side: what.startsWith("reaching consistency") ? "at-consistency" : m[1] === "before" ? "before" : "after",
    what: kindOf(what),
    xid: xid === undefined ? null : Number(xid),
    at: at === undefined ? null : parseInstant(at),
    lsn: position === undefined ? null : parseLsn(position),
  };
}

function kindOf(what: string): string {
  if (what.startsWith("reaching consistency")) return "consistency";
  if (what.startsWith("WAL location")) return "lsn";
  if (what.startsWith("restore point")) return "name";
  return /^(commit|abort)/.exec(what)?.[1] ?? what;
}
