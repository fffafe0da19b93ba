import { basename, join } from "node:path";
import { readRunEvent } from "../../adapters/journal/event-schema.ts";
import { readJournal } from "../../adapters/journal/file-journal.ts";
import { runFiles } from "../../adapters/journal/run-directory.ts";
import { connectToRunner, type RunnerConnection } from "../../adapters/system/runner-socket.ts";
import { PgrescueError } from "../../domain/errors.ts";
import type { Actor, RunEvent } from "../../domain/run/events.ts";
import type { RunHandle } from "../../faces/run-handle.ts";
import type { RunnerMessage } from "./run-runner.ts";

/** Signals that came before a face could take them. */
export interface EarlySignals {
  caught(): "SIGINT" | "SIGTERM" | null;
  /** Stops catching them. */
  release(): void;
}

/** A face's connection with what the command line needs on top. */
export interface AttachedRun extends RunHandle {
  readonly directory: string;
  /** Catches signals until a face has listeners of its own; absent where nothing was started. */
  readonly early?: EarlySignals;
  /** Stops the work at once, to be continued: for SIGINT and SIGTERM of a headless run. */
  interrupt(signal: "SIGINT" | "SIGTERM"): Promise<void>;
}

/**
 * Joins the run in a directory: its events from the first on, then live. Without a runner the journal is read and the
 * requests reject, saying how to go on. When the runner dies on the way, what it still wrote is read from the journal.
 */
export async function attachRun(runDirectory: string, actor: Actor): Promise<AttachedRun> {
  const id = basename(runDirectory);
  const connection = await connectToRunner(runDirectory);
  const send = async (message: RunnerMessage): Promise<unknown> => {
    if (connection === null) {
      throw new PgrescueError("precondition-refused", `no runner works on ${id}`, {
        next: `Go on with \`pgrescue continue ${id}\`.`,
      });
    }
    return connection.send(message);
  };
  return {
    id,
    directory: runDirectory,
    isLive: connection !== null,
    events: connection === null ? recorded(runDirectory, 0) : live(runDirectory, connection),
    answer: async (question, value) => {
      const reply = (await send({ do: "answer", question, value, by: actor })) as {
        readonly accepted?: boolean;
        readonly reason?: string;
      };
      if (reply.accepted !== true)
        throw new PgrescueError("precondition-refused", reply.reason ?? "the answer was refused");
    },
    pause: async () => void (await send({ do: "pause", by: actor })),
    abort: async () => void (await send({ do: "abort", by: actor })),
    interrupt: async (signal) => void (await send({ do: "interrupt", signal, by: actor })),
    note: async (text) => void (await send({ do: "note", text, by: actor })),
    close: () => connection?.close(),
  };
}

async function* live(runDirectory: string, connection: RunnerConnection): AsyncGenerator<RunEvent> {
  let last = 0;
  let hasEnded = false;
  for await (const value of connection.values()) {
    const read = readRunEvent(value);
    if (read.kind === "newer") {
      throw new PgrescueError("config", `the runner is of a newer pgrescue: ${read.found}`, {
        next: "Join it with the pgrescue that started it.",
      });
    }
    // A line that is none was cut off by the runner's death; the journal has what counts.
    if (read.kind === "broken") break;
    last = read.event.seq;
    hasEnded = read.event.event === "ended";
    yield read.event;
  }
  if (!hasEnded) yield* recorded(runDirectory, last);
}

async function* recorded(runDirectory: string, after: number): AsyncGenerator<RunEvent> {
  const { events } = await readJournal(join(runDirectory, runFiles.journal));
  for (const event of events) if (event.seq > after) yield event;
}
