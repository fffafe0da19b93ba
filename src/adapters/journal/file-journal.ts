import { open, readFile, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { messageOf, PgrescueError } from "../../domain/errors.ts";
import { formatInstant } from "../../domain/instant.ts";
import type { JournalEvent, RunFact } from "../../domain/run/events.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Journal } from "../../ports/journal.ts";
import { syncDirectory } from "../system/durable-file.ts";
import { decodeJournal, lineHash, type DecodedJournal } from "./decode.ts";
import { makeReserve, releaseReserve } from "./reserve.ts";

/** Journals are read whole; one beyond this was not written by us. */
const mostBytes = 256 * 1024 * 1024;

/** A journal that can be written, and what it held when it was opened. */
export interface OpenedJournal {
  readonly journal: Journal;
  readonly history: readonly JournalEvent[];
  readonly brokenAt: number | null;
}

/** Reads a journal without changing it. Throws as decodeJournal does, and `precondition-refused` when it is not there. */
export async function readJournal(path: string): Promise<DecodedJournal> {
  let handle: FileHandle;
  try {
    handle = await open(path, "r");
  } catch (error) {
    throw new PgrescueError("precondition-refused", `cannot read the journal ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  try {
    const { size } = await handle.stat();
    if (size > mostBytes)
      throw new PgrescueError("damaged-data", `the journal ${path} has ${size} bytes, which no run writes`);
    return decodeJournal(await handle.readFile(), path);
  } finally {
    await handle.close();
  }
}

/**
 * Opens a journal for writing and makes it if need be (0600). A torn last line is cut away, and that is itself written
 * down as `repaired`. One process at a time: the run's lock guarantees that. On a full disk an append rejects with
 * `paused`; the reserve beside the journal then makes room for the closing `ended` line.
 */
export async function openJournal(
  path: string,
  options: { readonly run: string; readonly clock: Clock },
): Promise<OpenedJournal> {
  const before = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return Buffer.alloc(0);
    throw error;
  });
  const decoded = decodeJournal(before, path);
  await makeReserve(path);
  // Not "a": writing goes to a known position, so that what a failed write left is overwritten, not followed.
  const handle = await open(path, before.length === 0 ? "w+" : "r+", 0o600);
  await handle.truncate(decoded.wholeBytes);
  await handle.sync();
  await syncDirectory(dirname(path));
  const journal = createWriter(path, handle, decoded, options);
  const lost = before.length - decoded.wholeBytes;
  const history = [...decoded.events];
  if (lost > 0) {
    history.push(
      await journal.append({
        event: "repaired",
        found: `the last line of the journal was cut off; ${lost} bytes were removed`,
        bytes: lost,
      }),
    );
  }
  return { journal, history, brokenAt: decoded.brokenAt };
}

function createWriter(
  path: string,
  handle: FileHandle,
  decoded: DecodedJournal,
  options: { readonly run: string; readonly clock: Clock },
): Journal {
  let { head, lastSeq, wholeBytes: position } = decoded;
  let last: Promise<unknown> = Promise.resolve();

  async function write(fact: RunFact): Promise<JournalEvent> {
    const event: JournalEvent = {
      schema: "pgrescue.event/v1",
      run: options.run,
      seq: lastSeq + 1,
      at: formatInstant(options.clock.now()),
      prev: head,
      ...fact,
    };
    const line = JSON.stringify(event);
    const bytes = Buffer.from(`${line}\n`);
    await writeAt(bytes).catch(async (error: NodeJS.ErrnoException) => {
      if (!isFull(error)) throw unwritable(path, error);
      if (fact.event !== "ended") throw full(path, error);
      await releaseReserve(path);
      await writeAt(bytes).catch((again: unknown) => {
        throw full(path, again);
      });
    });
    position += bytes.length;
    head = lineHash(line);
    lastSeq = event.seq;
    return event;
  }

  async function writeAt(bytes: Buffer): Promise<void> {
    try {
      let done = 0;
      while (done < bytes.length)
        done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
      await handle.datasync();
    } catch (error) {
      await handle.truncate(position).catch(() => undefined);
      throw error;
    }
  }

  return {
    run: options.run,
    append: (fact) => {
      const mine = last.then(() => write(fact));
      last = mine.catch(() => undefined);
      return mine;
    },
    close: async () => {
      await last;
      await handle.close();
    },
  };
}

function isFull(error: NodeJS.ErrnoException): boolean {
  return error.code === "ENOSPC" || error.code === "EDQUOT";
}

function full(path: string, cause: unknown): PgrescueError {
  return new PgrescueError("paused", `the disk of the state directory is full; the journal ${path} cannot be written`, {
    means: "Nothing happens that is not written down, so the run stopped; what it had done stays done.",
    next: "Make room and run `pgrescue continue`, or give it another place with `pgrescue continue --state-dir DIR`.",
    cause,
  });
}

function unwritable(path: string, cause: unknown): PgrescueError {
  return new PgrescueError("external-failure", `cannot write the journal ${path}: ${messageOf(cause)}`, { cause });
}
