import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { Client } from "pg";
import { PgrescueError } from "../../../domain/errors.ts";
import type { ConnectionTarget, Sql } from "../../../ports/sql.ts";
import { connectionError, placeOf } from "../sql-errors.ts";
import { tlsAttempts, type TlsAttempt } from "../tls.ts";
import { ProtocolReader } from "./protocol-reader.ts";

/** A connection to a walsender, past authentication: we read and write its messages ourselves. */
export interface ReplicationConnection {
  readonly reader: ProtocolReader;
  /** Sends a simple query. */
  send(command: string): void;
  /** Ends at once; the server stops what it was doing. */
  close(): void;
}

/**
 * Connects in physical replication mode to the very server that `sql` talks to: of several hosts, and behind a balancer,
 * only that one holds our lock and our WAL. `pg` does what is hard (TLS, SCRAM), then its parser is taken off the socket:
 * it would copy every byte of the backup several times. Throws `credentials` or `external-failure`.
 */
export async function connectReplication(target: ConnectionTarget, sql: Sql): Promise<ReplicationConnection> {
  const { fallbacks = [], ...first } = target;
  const { password: _password, address: _address, ...common } = first;
  const mark = `${target.applicationName} ${randomBytes(6).toString("hex")}`.slice(-60);
  let failure: PgrescueError | null = null;
  for (const host of [first, ...fallbacks.map((other) => ({ ...common, ...other }))]) {
    for (const ssl of await tlsAttempts(host)) {
      try {
        const client = await open(host, ssl, mark);
        const seen = await sql.query("select 1 from pg_catalog.pg_stat_activity where application_name = $1", [mark]);
        if (seen.length > 0) return takeOver(client);
        await client.end();
        failure ??= new PgrescueError(
          "external-failure",
          `${placeOf(host)} answers replication from another server than sql`,
          { next: "Name the server itself in the connection, not a balancer." },
        );
      } catch (error) {
        failure = asReplicationError(error, host);
      }
    }
  }
  throw failure ?? new PgrescueError("bug", "a connection target without a host");
}

async function open(target: ConnectionTarget, ssl: TlsAttempt, applicationName: string): Promise<Client> {
  const client = new Client({
    host: target.address ?? target.host,
    port: target.port,
    user: target.user,
    database: target.database,
    password: () => target.password?.reveal() ?? "",
    ssl,
    application_name: applicationName,
    ...(target.connectTimeoutSeconds > 0 ? { connectionTimeoutMillis: target.connectTimeoutSeconds * 1000 } : {}),
    keepAlive: true,
    // Not in the types: a startup parameter that pg passes on.
    ...({ replication: "true" } as object),
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

function asReplicationError(error: unknown, target: ConnectionTarget): PgrescueError {
  const known = error instanceof PgrescueError ? error : connectionError(error, target);
  return new PgrescueError(known.code, `no replication connection: ${known.message}`, {
    cause: error,
    next:
      known.code === "credentials"
        ? `The role ${target.user} needs REPLICATION and a line for database "replication" in pg_hba.conf.`
        : known.next,
  });
}

function takeOver(client: Client): ReplicationConnection {
  const socket = (client as unknown as { connection: { stream: Duplex } }).connection.stream;
  for (const event of ["data", "end", "close"]) socket.removeAllListeners(event);
  return {
    reader: new ProtocolReader(socket),
    send: (command) => {
      const text = Buffer.from(`${command}\0`);
      const head = Buffer.from("Q\0\0\0\0");
      head.writeUInt32BE(text.length + 4, 1);
      socket.write(Buffer.concat([head, text]));
    },
    close: () => {
      socket.destroy();
    },
  };
}
