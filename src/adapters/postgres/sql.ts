import { Client } from "pg";
import { messageOf, PgrescueError } from "../../domain/errors.ts";
import { sqlStateOf } from "../../domain/sql-state.ts";
import type { ConnectionTarget, Sql, SqlConnector, SqlValue } from "../../ports/sql.ts";
import { connectionError, placeOf } from "./sql-errors.ts";
import { suitsSession } from "./session-attributes.ts";
import { tlsAttempts, type TlsAttempt } from "./tls.ts";

/** Sessions through node-postgres, opened by libpq's rules: hosts in order, TLS modes, one password per host. */
export function createSqlConnector(): SqlConnector {
  return { connect };
}

async function connect(target: ConnectionTarget): Promise<Sql> {
  const { fallbacks = [], ...first } = target;
  const hosts = [first, ...fallbacks.map((other) => otherHost(first, other))];
  let last: PgrescueError | null = null;
  for (const host of hosts) {
    try {
      const client = await open(host);
      const refusal = await suitsSession(client, target.sessionAttributes ?? "any");
      if (refusal === null) return sessionOf(client, host);
      await client.end();
      last = new PgrescueError(
        "external-failure",
        `${placeOf(host)} is ${refusal}, but target_session_attrs wants ${target.sessionAttributes}`,
      );
    } catch (error) {
      last = connectionError(error, host);
      // libpq goes on to the next host except where a password was refused.
      if (sqlStateOf(error) === "28P01") throw last;
    }
  }
  throw last ?? new PgrescueError("bug", "a connection target without a host");
}

function otherHost(
  first: ConnectionTarget,
  other: NonNullable<ConnectionTarget["fallbacks"]>[number],
): ConnectionTarget {
  const { password: _password, address: _address, ...rest } = first;
  return { ...rest, ...other };
}

async function open(target: ConnectionTarget): Promise<Client> {
  const attempts = await tlsAttempts(target);
  for (const [at, ssl] of attempts.entries()) {
    try {
      return await openOnce(target, ssl);
    } catch (error) {
      if (at === attempts.length - 1 || !isAboutEncryption(error)) throw error;
    }
  }
  throw new PgrescueError("bug", "no way to connect was tried");
}

async function openOnce(target: ConnectionTarget, ssl: TlsAttempt): Promise<Client> {
  const client = new Client({
    host: target.address ?? target.host,
    port: target.port,
    user: target.user,
    database: target.database,
    // A function, so that node-postgres neither asks the environment nor reads .pgpass itself: that is done already.
    password: () => target.password?.reveal() ?? "",
    ssl,
    application_name: target.applicationName,
    ...(target.connectTimeoutSeconds > 0 ? { connectionTimeoutMillis: target.connectTimeoutSeconds * 1000 } : {}),
    keepAlive: true,
    types: { getTypeParser: (oid: number) => parsers.get(oid) ?? asText },
  });
  // A session that dies while nobody waits for it must not end the process; the next query fails.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

/** Whether the other kind of connection may still work: no TLS there, its handshake failed, or pg_hba wants the other. */
function isAboutEncryption(error: unknown): boolean {
  return /SSL|certificate|TLS/i.test(messageOf(error)) || sqlStateOf(error) === "28000";
}

const asText = (value: string): string => value;
const parsers = new Map<number, (value: string) => unknown>([
  [16, (value) => value === "t"], // bool
  ...[21, 23, 26, 700, 701].map((oid): [number, (value: string) => unknown] => [oid, Number]), // int2, int4, oid, float4, float8
]);

function sessionOf(client: Client, target: ConnectionTarget): Sql {
  return {
    query: async <Row extends Record<string, unknown>>(text: string, values?: readonly SqlValue[]) => {
      try {
        const result = await client.query<Row>(text, values === undefined ? undefined : [...values]);
        return result.rows;
      } catch (error) {
        throw queryError(error, target);
      }
    },
    close: async () => {
      await client.end();
    },
  };
}

function queryError(error: unknown, target: ConnectionTarget): PgrescueError {
  const state = sqlStateOf(error);
  if (state === null)
    return new PgrescueError("external-failure", `the session with ${placeOf(target)} broke: ${messageOf(error)}`, {
      next: "Look at the server's log for this moment, then try again.",
      cause: error,
    });
  if (state === "42501")
    return new PgrescueError("credentials", `${target.user} lacks a right: ${messageOf(error)}`, {
      next: "Grant it (`pgrescue doctor` lists what is needed), or use a role that has it.",
      cause: error,
    });
  return new PgrescueError("external-failure", `${messageOf(error)} (sqlstate ${state})`, { cause: error });
}
