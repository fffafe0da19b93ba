import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PgrescueError } from "../../domain/errors.ts";
import { Secret } from "../../domain/secret.ts";
import type { Shell } from "../../ports/shell.ts";
import type { ConnectionTarget } from "../../ports/sql.ts";
import { parseConnectionString, type ConnectionParameters } from "./conninfo.ts";
import { hostsOf } from "./connection-hosts.ts";
import { tlsOf } from "./connection-tls.ts";
import { oneOf } from "./one-of.ts";
import { findInPasswordFile } from "./password-file.ts";
import { readService } from "./service-file.ts";

/** `connection:` of a cluster in the configuration. What is absent follows libpq's rules. */
export interface ConnectionSettings {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly user?: string | undefined;
  readonly database?: string | undefined;
  /** A URL or a `key=value` string; the fields beside it win over it. */
  readonly url?: string | undefined;
  readonly service?: string | undefined;
  readonly sslmode?: string | undefined;
  readonly sslrootcert?: string | undefined;
  readonly sslcert?: string | undefined;
  readonly sslkey?: string | undefined;
  /** Its first line is the password. */
  readonly passwordFile?: string | undefined;
  /** Run anew for every resolution, so that a rotated password or token is seen; its output is the password. */
  readonly passwordCommand?: readonly string[] | undefined;
}

/** What a resolution depends on besides the configuration. */
export interface ConnectionSurroundings {
  readonly environment: { readonly [name: string]: string | undefined };
  readonly home: string;
  /** The operating system's user: PostgreSQL's default user name. */
  readonly user: string;
  readonly shell: Shell;
  /** Receives what libpq would print as a warning, such as a .pgpass that others may read. */
  warn?(text: string): void;
}

/** Which variable stands in for which parameter (manual 34.15). */
const variables: { readonly [keyword: string]: string } = {
  host: "PGHOST",
  hostaddr: "PGHOSTADDR",
  port: "PGPORT",
  dbname: "PGDATABASE",
  user: "PGUSER",
  password: "PGPASSWORD",
  passfile: "PGPASSFILE",
  service: "PGSERVICE",
  sslmode: "PGSSLMODE",
  sslrootcert: "PGSSLROOTCERT",
  sslcert: "PGSSLCERT",
  sslkey: "PGSSLKEY",
  application_name: "PGAPPNAME",
  connect_timeout: "PGCONNECT_TIMEOUT",
  target_session_attrs: "PGTARGETSESSIONATTRS",
};

/**
 * Where and as whom to connect, as libpq would find it: what is said explicitly, then the service file, the environment,
 * .pgpass and the defaults. Passwords are read anew each time. Throws `config` for what libpq would refuse too.
 */
export async function resolveConnection(
  settings: ConnectionSettings,
  from: ConnectionSurroundings,
): Promise<ConnectionTarget> {
  const explicit = explicitParameters(settings);
  const service = explicit["service"] ?? from.environment["PGSERVICE"];
  const served = service === undefined || service === "" ? {} : await readService(service, from.environment, from.home);
  const all: Record<string, string> = { ...fromEnvironment(from.environment), ...served, ...explicit };
  const user = all["user"] || from.user;
  const database = all["dbname"] || user;
  const hosts = await hostsOf(all);
  const own = await ownPassword(settings, from, all["password"]);
  const passwordFor = async (host: string, port: number): Promise<{ readonly password?: Secret }> => {
    if (own !== null) return { password: own };
    const file = all["passfile"] || join(from.home, ".pgpass");
    const found = await findInPasswordFile(file, { host, port, database, user });
    if (found.ignored !== null) from.warn?.(`password file ignored: ${found.ignored}`);
    return found.password === null ? {} : { password: new Secret(found.password) };
  };
  const [first, ...others] = await Promise.all(
    hosts.map(async (host) => ({ ...host, ...(await passwordFor(host.host, host.port)) })),
  );
  if (first === undefined) throw new PgrescueError("bug", "a list of hosts is never empty");
  const session = all["target_session_attrs"];
  return {
    ...first,
    user,
    database,
    tls: await tlsOf(all, from.home),
    applicationName: all["application_name"] || "pgrescue",
    connectTimeoutSeconds: timeoutOf(all["connect_timeout"]),
    ...(others.length === 0 ? {} : { fallbacks: others }),
    ...(session === undefined || session === "any"
      ? {}
      : {
          sessionAttributes: oneOf("target_session_attrs", session, [
            "any",
            "read-write",
            "read-only",
            "primary",
            "standby",
            "prefer-standby",
          ]),
        }),
  };
}

function explicitParameters(settings: ConnectionSettings): ConnectionParameters {
  const { host, port, user, database, service, sslmode, sslrootcert, sslcert, sslkey } = settings;
  const fields = {
    host,
    port: port === undefined ? undefined : String(port),
    user,
    dbname: database,
    service,
    sslmode,
    sslrootcert,
    sslcert,
    sslkey,
  };
  const given = Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined);
  return { ...(settings.url === undefined ? {} : parseConnectionString(settings.url)), ...Object.fromEntries(given) };
}

function fromEnvironment(environment: ConnectionSurroundings["environment"]): ConnectionParameters {
  const given = Object.entries(variables).map(([keyword, variable]): [string, string | undefined] => [
    keyword,
    environment[variable],
  ]);
  const found = Object.fromEntries(
    given.filter((field): field is [string, string] => field[1] !== undefined && field[1] !== ""),
  );
  // The old spelling, still honoured by libpq.
  return environment["PGREQUIRESSL"]?.startsWith("1") === true && found["sslmode"] === undefined
    ? { ...found, sslmode: "require" }
    : found;
}

async function ownPassword(
  settings: ConnectionSettings,
  from: ConnectionSurroundings,
  parameter: string | undefined,
): Promise<Secret | null> {
  if (settings.passwordFile !== undefined) {
    const text = await readFile(settings.passwordFile, "utf8").catch((cause: unknown) => {
      throw new PgrescueError("credentials", `cannot read the password file ${settings.passwordFile}`, { cause });
    });
    return new Secret(text.split(/\r?\n/)[0] ?? "");
  }
  if (settings.passwordCommand !== undefined) {
    const result = await from.shell.run(settings.passwordCommand, { timeout: 60_000 });
    if (result.exit !== 0)
      throw new PgrescueError(
        "credentials",
        `passwordCommand ${settings.passwordCommand[0]} exited ${result.exit ?? result.signal}: ${result.stderr.trim().slice(0, 300)}`,
        { next: "Run the command by hand as this user and see what it says." },
      );
    return new Secret(result.stdout.replace(/\r?\n$/, ""));
  }
  return parameter === undefined || parameter === "" ? null : new Secret(parameter);
}

/** Seconds; libpq waits for ever by default, we do not. 1 means 2 to libpq, 0 and less no limit. */
function timeoutOf(text: string | undefined): number {
  if (text === undefined || text === "") return 10;
  const seconds = Number(text);
  if (!Number.isInteger(seconds))
    throw new PgrescueError("config", `not a number of seconds: connect_timeout ${JSON.stringify(text)}`);
  return seconds <= 0 ? 0 : Math.max(2, seconds);
}
