import type { DumpedDatabase } from "../../../../domain/dump.ts";
import { PgrescueError } from "../../../../domain/errors.ts";
import type { DumpReader } from "../../../../ports/dump.ts";

/** The archive of a database in a dump. Throws `no-recovery-point` naming those that are there. */
export function databaseOf(reader: DumpReader, name: string): DumpedDatabase {
  const found = reader.databases.find((database) => database.name === name);
  if (found !== undefined) return found;
  throw new PgrescueError("no-recovery-point", `dump ${reader.point.id} has no database ${JSON.stringify(name)}`, {
    next: `It has ${reader.databases.map((database) => database.name || "one that it does not name").join(", ")}.`,
  });
}
