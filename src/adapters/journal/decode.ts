import { createHash } from "node:crypto";
import { PgrescueError } from "../../domain/errors.ts";
import type { JournalEvent } from "../../domain/run/events.ts";
import type { JournalContent } from "../../ports/journal.ts";
import { readJournalEvent } from "./event-schema.ts";

/** A journal's content with what its writer needs to go on. */
export interface DecodedJournal extends JournalContent {
  /** Bytes up to and including the last whole line. */
  readonly wholeBytes: number;
  /** SHA-256 of the last whole line, "" when there is none. */
  readonly head: string;
  readonly lastSeq: number;
}

/** The link of the chain: SHA-256 (hex) of a line's bytes without its newline. */
export function lineHash(line: Uint8Array | string): string {
  return createHash("sha256").update(line).digest("hex");
}

/**
 * Reads a journal's bytes. A last line without a newline is torn and left out; so is whatever a crash of the machine
 * left of a last line (bytes that are no JSON). A line that does not fit the chain is reported by number and reading goes
 * on. Throws `config` for a newer program's journal, `damaged-data` for a line that cannot be read and is not the last.
 */
export function decodeJournal(bytes: Uint8Array, name: string): DecodedJournal {
  const events: JournalEvent[] = [];
  let at = 0;
  let line = 0;
  let head = "";
  let brokenAt: number | null = null;
  let torn = false;
  while (at < bytes.length) {
    const end = bytes.indexOf(10, at);
    if (end === -1) {
      torn = true;
      break;
    }
    line++;
    const content = bytes.subarray(at, end);
    const parsed = parse(content);
    if (parsed === undefined && end === bytes.length - 1) {
      torn = true;
      break;
    }
    const read =
      parsed === undefined ? ({ kind: "broken", found: "no JSON" } as const) : readJournalEvent(parsed.value);
    if (read.kind === "newer") {
      throw new PgrescueError("config", `${name} line ${line} was written by a newer pgrescue: ${read.found}`, {
        next: "Use the pgrescue that wrote it, or a newer one.",
      });
    }
    if (read.kind === "broken") {
      throw new PgrescueError("damaged-data", `${name} line ${line} cannot be read: ${read.found}`, {
        means: "The record of this run was changed or damaged; what the run did to the data is not touched by that.",
        next: "Look at the file by hand; start a new run rather than continuing this one.",
      });
    }
    const { event } = read;
    if (brokenAt === null && (event.prev !== head || event.seq !== (events.at(-1)?.seq ?? 0) + 1)) brokenAt = line;
    events.push(event);
    head = lineHash(content);
    at = end + 1;
  }
  return { events, torn, brokenAt, wholeBytes: at, head, lastSeq: events.at(-1)?.seq ?? 0 };
}

function parse(content: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(content)) };
  } catch {
    return undefined;
  }
}
