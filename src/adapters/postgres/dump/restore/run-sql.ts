import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { PgrescueError } from "../../../../domain/errors.ts";
import { TroubleReader } from "../../../../domain/restore-trouble.ts";
import { streamProgram } from "../../../system/stream-program.ts";
import { environmentFor } from "../../child-environment.ts";
import type { ClientPrograms } from "../client-programs.ts";
import { sortTroubles, type LoadOptions, type Troubles } from "./run-restore.ts";

/** The first releases of each major version whose psql can keep a script from running commands of the operating system. */
const guarded: { readonly [major: number]: number } = { 13: 22, 14: 19, 15: 14, 16: 10, 17: 6 };

/**
 * Throws `precondition-refused` for a psql that would do whatever a script says: a SQL dump may hold psql's own commands, and
 * with them those of a shell. It comes from storage, and is not trusted so far.
 */
export function requireGuard({ major, version }: Pick<ClientPrograms, "major" | "version">): void {
  const needed = guarded[major] ?? (major > 17 ? 0 : Number.POSITIVE_INFINITY);
  if (version % 10_000 >= needed) return;
  throw new PgrescueError(
    "precondition-refused",
    `psql ${major}.${version % 10_000} runs whatever commands a SQL dump holds, those of a shell, too`,
    {
      means: "Nothing was changed.",
      next: `Update postgresql-client-${major}${needed === Number.POSITIVE_INFINITY ? "" : ` to ${major}.${needed} or newer`}, which has \\restrict; or read the dump and restore it by hand.`,
    },
  );
}

/** Loads a SQL dump into the request's database with a psql that runs SQL only. Errors that it goes on after are sorted. */
export async function runSql(
  { client, target, request, superuser, signal }: LoadOptions,
  input: AsyncIterable<Uint8Array>,
): Promise<Troubles> {
  const reader = new TroubleReader();
  const program = streamProgram(
    [join(client.bin, "psql"), "--no-psqlrc", "--quiet", "--no-password", "--file=-", "--output=/dev/null"],
    {
      env: {
        ...environmentFor({ ...target, database: request.database }),
        PGOPTIONS: superuser ? "-c lc_messages=C" : undefined,
      },
      input: guardedScript(input),
      signal,
      onLine: (line) => reader.line(line),
    },
  );
  for await (const _ of program.output);
  const { exit } = await program.ended;
  signal.throwIfAborted();
  if (exit !== 0)
    throw new PgrescueError(
      "external-failure",
      `psql ended with ${exit}: ${reader.found.at(-1)?.message ?? reader.last}`,
      {
        means: "The new database is not whole; nothing else was changed.",
        next: "Read what the server's log says, then go on: the database is made anew.",
      },
    );
  return sortTroubles(reader);
}

/** The script behind psql's guard, whose key nobody else knows. */
async function* guardedScript(input: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  yield Buffer.from(`\\restrict ${randomBytes(24).toString("hex")}\n`);
  yield* input;
}
