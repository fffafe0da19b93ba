import { join } from "node:path";
import { PgrescueError } from "../../../domain/errors.ts";
import type { ConnectionTarget } from "../../../ports/sql.ts";
import { streamProgram } from "../../system/stream-program.ts";
import { environmentFor } from "../child-environment.ts";
import type { ClientPrograms } from "./client-programs.ts";
import { databaseArgument } from "./quote.ts";

/** The command that writes roles and tablespaces as SQL. */
function globalsCommand(
  client: Pick<ClientPrograms, "bin">,
  target: Pick<ConnectionTarget, "database">,
  { passwords }: { readonly passwords: boolean },
): readonly string[] {
  return [
    join(client.bin, "pg_dumpall"),
    "--globals-only",
    "--no-password",
    `--database=${databaseArgument(target.database)}`,
    ...(passwords ? [] : ["--no-role-passwords"]),
  ];
}

/** Roles and tablespaces as SQL, as it comes. Throws `external-failure` with what pg_dumpall said. */
export async function* globals(
  client: ClientPrograms,
  target: ConnectionTarget,
  { passwords }: { readonly passwords: boolean },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const said: string[] = [];
  const program = streamProgram(globalsCommand(client, target, { passwords }), {
    env: environmentFor(target),
    signal,
    onLine: (line) => void (said.length < 20 && said.push(line)),
  });
  let length = 0;
  for await (const chunk of program.output) {
    length += chunk.length;
    yield chunk;
  }
  const { exit } = await program.ended;
  signal.throwIfAborted();
  if (exit === 0 && length > 0) return;
  throw new PgrescueError(
    "external-failure",
    `roles and tablespaces could not be dumped: ${said.slice(0, 4).join("; ") || `pg_dumpall ended with ${exit}`}`,
    { next: "Without them the owners of a restored database would be missing. Read what the server's log says." },
  );
}
