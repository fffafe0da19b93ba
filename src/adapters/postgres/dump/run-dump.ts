import { join } from "node:path";
import { PgrescueError } from "../../../domain/errors.ts";
import type { DumpRequest, DumpStream } from "../../../ports/dump.ts";
import type { ConnectionTarget } from "../../../ports/sql.ts";
import { streamProgram } from "../../system/stream-program.ts";
import { environmentFor } from "../child-environment.ts";
import type { ClientPrograms } from "./client-programs.ts";

/** Lines of a program's trouble that are kept for the error. */
const mostLines = 20;

export interface DumpOfOne {
  readonly client: ClientPrograms;
  readonly target: ConnectionTarget;
  readonly request: DumpRequest;
  readonly snapshot: string;
  /** A standby cannot read unlogged tables. */
  readonly withoutUnlogged: boolean;
  readonly into: DumpStream;
  readonly signal: AbortSignal;
  /** Told each table whose rows begin, as `schema.name`. */
  readonly onTable: (name: string) => void;
  /** Told how many bytes came since the last time. */
  readonly onBytes: (count: number) => void;
}

/** The command that dumps one database; its name and the password are in the environment. */
function dumpCommand(
  client: Pick<ClientPrograms, "bin">,
  { filters, compress, lockTimeoutSeconds }: DumpRequest,
  more: { readonly snapshot: string; readonly withoutUnlogged: boolean },
): readonly string[] {
  return [
    join(client.bin, "pg_dump"),
    "--format=custom",
    "--verbose",
    "--no-password",
    `--snapshot=${more.snapshot}`,
    `--lock-wait-timeout=${lockTimeoutSeconds * 1000}`,
    ...(compress === null ? [] : [`--compress=${compress}`]),
    ...(more.withoutUnlogged ? ["--no-unlogged-table-data"] : []),
    ...filters.schemas.map((p) => `--schema=${p}`),
    ...filters.excludeSchemas.map((p) => `--exclude-schema=${p}`),
    ...filters.tables.map((p) => `--table=${p}`),
    ...filters.excludeTables.map((p) => `--exclude-table=${p}`),
  ];
}

/**
 * Streams pg_dump's archive of one database into the store, and commits it. Throws `external-failure` with what pg_dump
 * said, also where it ended well and wrote nothing.
 */
export async function runDump({
  client,
  target,
  request,
  snapshot,
  withoutUnlogged,
  into,
  signal,
  onTable,
  onBytes,
}: DumpOfOne): Promise<number> {
  const said: string[] = [];
  const program = streamProgram(dumpCommand(client, request, { snapshot, withoutUnlogged }), {
    env: environmentFor(target),
    signal,
    onLine: (line) => {
      const table = /^pg_dump: dumping contents of table "(.*)"$/.exec(line)?.[1];
      if (table !== undefined) onTable(table);
      else if (!/^pg_dump: (?:reading|identifying|saving|finding|last built-in|dumping|creating|flagging)/.test(line))
        said.push(line);
      if (said.length > mostLines) said.shift();
    },
  });
  let head = Buffer.alloc(0);
  let failure: unknown = null;
  try {
    for await (const chunk of program.output) {
      if (head.length < 5) head = Buffer.concat([head, chunk.subarray(0, 5)]);
      // The chunk is the pipe's own memory only until the next one comes.
      await into.write(chunk);
      onBytes(chunk.length);
    }
  } catch (error) {
    failure = error;
  }
  const { exit } = await program.ended;
  if (failure !== null) throw failure;
  signal.throwIfAborted();
  if (exit !== 0) throw dumpError(target.database, said, exit);
  if (head.toString("latin1", 0, 5) !== "PGDMP")
    throw new PgrescueError(
      "external-failure",
      `pg_dump ended well and wrote no archive of database ${target.database}`,
    );
  return into.commit();
}

function dumpError(database: string, said: readonly string[], exit: number | null): PgrescueError {
  const errors = said.filter((line) => /error|fatal|detail|hint/i.test(line));
  const text = (errors.length > 0 ? errors : said)
    .slice(0, 4)
    .map((line) => line.replace(/^pg_dump: (?:error: )?/, ""))
    .join("; ");
  return new PgrescueError(
    "external-failure",
    `database ${database} could not be dumped: ${text === "" ? `pg_dump ended with ${exit}` : text}`,
    { means: "Nothing of this database is offered.", next: nextFor(text) },
  );
}

function nextFor(text: string): string {
  if (/permission denied/.test(text))
    return "Give the role the right to read: GRANT pg_read_all_data TO it (PostgreSQL 14 and newer), and usage of large objects.";
  if (/row-level security|row security/.test(text))
    return "Dump as the tables' owner or as a role with BYPASSRLS: a filtered dump would not be whole.";
  if (/lock timeout|canceling statement due to lock/.test(text))
    return "Somebody holds a lock on a table: find out who in pg_locks, or wait longer with --lock-timeout.";
  if (/does not exist/.test(text))
    return "A table was dropped while it was dumped, or a filter names nothing: try again.";
  return "Read what pg_dump and the server's log say, then try again.";
}
