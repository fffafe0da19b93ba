import { join } from "node:path";
import { PgrescueError } from "../../../../domain/errors.ts";
import { kindOfTrouble, TroubleReader, type TroubleKind } from "../../../../domain/restore-trouble.ts";
import type { DumpRestoreRequest } from "../../../../ports/dump-restore.ts";
import type { ConnectionTarget } from "../../../../ports/sql.ts";
import { streamProgram } from "../../../system/stream-program.ts";
import { environmentFor } from "../../child-environment.ts";
import type { ClientPrograms } from "../client-programs.ts";
import { databaseArgument } from "../quote.ts";

export interface LoadOptions {
  readonly client: Pick<ClientPrograms, "bin">;
  readonly target: ConnectionTarget;
  readonly request: DumpRestoreRequest;
  /** English messages can be asked for by superusers only; they tell what is harmless. */
  readonly superuser: boolean;
  readonly signal: AbortSignal;
  /** Told each table whose rows begin, `schema.name` where the program says the schema. */
  readonly onTable: (name: string) => void;
}

/** What could not be restored, by how much it matters. */
export type Troubles = { readonly [kind in TroubleKind]: readonly string[] };

/** The command that loads an archive; the password is in the environment. `path`: null where it comes through standard input. */
function restoreCommand(
  client: Pick<ClientPrograms, "bin">,
  { schemas, tables, jobs, owners, privileges, database }: DumpRestoreRequest,
  path: string | null,
): readonly string[] {
  return [
    join(client.bin, "pg_restore"),
    "--verbose",
    "--no-password",
    `--dbname=${databaseArgument(database)}`,
    "--no-tablespaces",
    ...(owners ? [] : ["--no-owner"]),
    ...(privileges ? [] : ["--no-privileges"]),
    ...schemas.map((name) => `--schema=${name}`),
    ...tables.map((name) => `--table=${name}`),
    ...(path === null ? [] : [...(jobs > 1 ? [`--jobs=${jobs}`] : []), path]),
  ];
}

/**
 * Loads an archive into the request's database with pg_restore, from a file or as it comes. Errors that it goes on after are
 * sorted by what they mean; throws `external-failure` where it could not begin or was ended, and what `input` throws.
 */
export async function runRestore(
  { client, target, request, superuser, signal, onTable }: LoadOptions,
  from: { readonly path: string } | { readonly input: AsyncIterable<Uint8Array> },
): Promise<Troubles> {
  const reader = new TroubleReader();
  const environment = environmentFor({ ...target, database: request.database });
  const program = streamProgram(restoreCommand(client, request, "path" in from ? from.path : null), {
    env: { ...environment, PGOPTIONS: superuser ? "-c lc_messages=C" : undefined },
    ...("input" in from ? { input: from.input } : {}),
    signal,
    onLine: (line) => {
      const table = /^pg_restore: processing data for table "(.*)"$/.exec(line)?.[1];
      if (table !== undefined) onTable(table);
      else reader.line(line);
    },
  });
  for await (const _ of program.output);
  const { exit } = await program.ended;
  signal.throwIfAborted();
  // 1 with errors that were counted: it went on after each of them. Anything else is its end.
  if (exit !== 0 && !(exit === 1 && reader.count > 0 && /errors ignored on restore/.test(reader.last)))
    throw new PgrescueError(
      "external-failure",
      `pg_restore ended with ${exit}: ${reader.found.at(-1)?.message ?? reader.last}`,
      {
        means: "The new database is not whole; nothing else was changed.",
        next: "Read what the server's log says, then go on: the database is made anew.",
      },
    );
  return sortTroubles(reader);
}

/** Errors by what they mean. */
export function sortTroubles({ found, count }: TroubleReader): Troubles {
  const words = found.map((trouble) => ({
    kind: kindOfTrouble(trouble),
    text: trouble.object === null ? trouble.message : `${trouble.object}: ${trouble.message}`,
  }));
  const of = (kind: TroubleKind): readonly string[] => words.filter((w) => w.kind === kind).map((w) => w.text);
  const more = count - found.length;
  return {
    harmless: of("harmless"),
    rights: of("rights"),
    failed: more > 0 ? [...of("failed"), `${more} more errors that were not kept`] : of("failed"),
  };
}
