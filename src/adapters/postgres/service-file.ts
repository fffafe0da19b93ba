import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PgrescueError } from "../../domain/errors.ts";
import { checkKeyword, type ConnectionParameters } from "./conninfo.ts";

/** Where libpq's Debian and upstream builds keep the system-wide service file when PGSYSCONFDIR is not set. */
const systemDirectories = ["/etc/postgresql-common", "/usr/local/pgsql/etc", "/etc/sysconfig/pgsql"];

/**
 * A service's parameters: from PGSERVICEFILE or ~/.pg_service.conf, else from the system's pg_service.conf (manual 34.17).
 * Throws `config` when the file that is named, or the service, does not exist.
 */
export async function readService(
  name: string,
  environment: { readonly [name: string]: string | undefined },
  home: string,
): Promise<ConnectionParameters> {
  const named = environment["PGSERVICEFILE"];
  const system = environment["PGSYSCONFDIR"];
  const places = [
    named ?? join(home, ".pg_service.conf"),
    ...(system === undefined ? systemDirectories : [system]).map((directory) => join(directory, "pg_service.conf")),
  ];
  for (const [at, file] of places.entries()) {
    const text = await readFile(file, "utf8").catch(() => null);
    if (text === null && at === 0 && named !== undefined)
      throw new PgrescueError("config", `service file ${named} cannot be read`);
    const found = text === null ? null : parseServiceFile(text, name, file);
    if (found !== null) return found;
  }
  throw new PgrescueError(
    "config",
    `there is no service ${JSON.stringify(name)} in ${places[0]} or the system's pg_service.conf`,
  );
}

/** The section `[name]`, the first value of each key winning; null when there is none. Throws `config` for a bad line in it. */
function parseServiceFile(text: string, name: string, file: string): ConnectionParameters | null {
  let found: Record<string, string> | null = null;
  for (const [at, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    if (line.startsWith("[")) {
      if (found !== null) return found;
      if (line === `[${name}]` || line.startsWith(`[${name}]`)) found = {};
      continue;
    }
    if (found === null) continue;
    const equals = line.indexOf("=");
    if (equals === -1) throw new PgrescueError("config", `${file}:${at + 1}: not a key=value line`);
    const keyword = line.slice(0, equals);
    if (keyword === "service")
      throw new PgrescueError("config", `${file}:${at + 1}: a service cannot name another service`);
    checkKeyword(keyword, `${file}:${at + 1}`);
    found[keyword] ??= line.slice(equals + 1);
  }
  return found;
}
