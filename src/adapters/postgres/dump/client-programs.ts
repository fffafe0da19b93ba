import { access } from "node:fs/promises";
import { join } from "node:path";
import { PgrescueError } from "../../../domain/errors.ts";
import type { Shell } from "../../../ports/shell.ts";
import { programDirectories } from "../installations.ts";

/** pg_dump, pg_dumpall, pg_restore and psql of one version. */
export interface ClientPrograms {
  readonly major: number;
  /** As server_version_num has it. */
  readonly version: number;
  readonly bin: string;
}

/**
 * The programs for a server of that major version: of the same one, or the next newer one there is (pg_dump must not be
 * older than the server). Throws `precondition-refused` naming what to install.
 */
export async function findClient(
  shell: Shell,
  environment: { readonly [name: string]: string | undefined },
  serverMajor: number,
  configured: string | null,
): Promise<ClientPrograms> {
  const found: ClientPrograms[] = [];
  const places = await programDirectories(shell, environment, "pg_dump");
  for (const bin of configured === null ? places : [configured, ...places]) {
    const client = await clientAt(shell, bin);
    if (client !== null) found.push(client);
  }
  const fit = found.filter(({ major }) => major >= serverMajor).sort((a, b) => a.major - b.major)[0];
  if (fit !== undefined) return fit;
  const others =
    found.length === 0 ? "none is installed here" : `here is ${[...new Set(found.map((c) => c.major))].join(", ")}`;
  throw new PgrescueError(
    "precondition-refused",
    `pg_dump must not be older than the server, which is postgresql ${serverMajor}; ${others}`,
    {
      means: "Nothing was written.",
      next: `Install the client: \`apt-get install postgresql-client-${serverMajor}\` (Debian, Ubuntu; other versions from apt.postgresql.org), \`dnf install postgresql${serverMajor}\` (PGDG RPMs).`,
    },
  );
}

async function clientAt(shell: Shell, bin: string): Promise<ClientPrograms | null> {
  const program = join(bin, "pg_dump");
  const isThere = await access(program).then(
    () => true,
    () => false,
  );
  if (!isThere) return null;
  const result = await shell.run([program, "--version"], { timeout: 10_000 }).catch(() => null);
  const m = result?.exit === 0 ? /\(PostgreSQL\) (\d+)(?:\.(\d+))?/.exec(result.stdout) : null;
  if (m === null) return null;
  const major = Number(m[1]);
  return { major, version: major * 10_000 + Number(m[2] ?? "0"), bin };
}
