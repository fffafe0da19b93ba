import { createReadStream } from "node:fs";
import { messageOf, PgrescueError } from "../../domain/errors.ts";
import { includeWords, type Include } from "../../domain/include.ts";
import { streamProgram } from "./stream-program.ts";

/**
 * The content of something that travels with backups, as it comes. Throws `precondition-refused` for a file that cannot be
 * read, and for a command that ends badly or prints nothing: a backup without it would not be what was asked for.
 */
export async function* includeContent(include: Include, signal: AbortSignal): AsyncIterable<Uint8Array> {
  if ("file" in include) {
    try {
      for await (const chunk of createReadStream(include.file)) yield chunk as Buffer;
    } catch (error) {
      throw refused(include, messageOf(error));
    }
    return;
  }
  const said: string[] = [];
  const program = streamProgram(include.command, {
    onLine: (line) => void (said.length < 5 && said.push(line)),
    signal,
  });
  let length = 0;
  for await (const chunk of program.output) {
    length += chunk.length;
    yield chunk;
  }
  const { exit } = await program.ended.catch((error: unknown) => {
    throw refused(include, messageOf(error));
  });
  signal.throwIfAborted();
  if (exit !== 0) throw refused(include, `it ended with ${exit}: ${said.join("; ")}`);
  if (length === 0) throw refused(include, "it printed nothing");
}

function refused(include: Include, why: string): PgrescueError {
  return new PgrescueError(
    "precondition-refused",
    `${include.name} (${includeWords(include)}) cannot be included: ${why}`,
    {
      means: "No backup was taken: without it the backup would not be what the configuration asks for.",
      next: "Mend it, or take it out of the cluster's `include`.",
    },
  );
}
