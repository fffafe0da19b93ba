import { Client, type ClientConfig } from "pg";
import { readFile } from "node:fs/promises";
import type { Duplex } from "node:stream";
import { messageOf, PgrescueError } from "../../../domain/errors.ts";
import type { ConnectionTarget } from "../../../ports/sql.ts";
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
 * Connects in physical replication mode. `pg` does what is hard (TLS, SCRAM), then its parser is taken off the socket:
 * it would copy every byte of the backup several times. Throws `credentials` or `external-failure`.
 */
export async function connectReplication(target: ConnectionTarget): Promise<ReplicationConnection> {
  let failure: unknown = null;
  for (const ssl of await tlsAttempts(target)) {
    const client = new Client({
      host: target.host,
      port: target.port,
      user: target.user,
      database: target.database,
      application_name: target.applicationName,
      connectionTimeoutMillis: target.connectTimeoutSeconds * 1000,
      keepAlive: true,
      ssl,
      ...(target.password === undefined ? {} : { password: target.password.reveal() }),
      // Not in the types: a startup parameter that pg passes on.
      ...({ replication: "true" } as object),
    });
    client.on("error", () => undefined);
    try {
      await client.connect();
      return takeOver(client);
    } catch (error) {
      failure = error;
      await client.end().catch(() => undefined);
    }
  }
  const state = (failure as { code?: string }).code ?? "";
  throw new PgrescueError(
    ["28P01", "28000"].includes(state) ? "credentials" : "external-failure",
    `no replication connection to ${target.host}:${target.port}: ${messageOf(failure)}`,
    {
      next: "The role needs REPLICATION and a `replication` line in pg_hba.conf for this host.",
      cause: failure,
    },
  );
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

/** What libpq's sslmode tries, in its order. */
async function tlsAttempts(target: ConnectionTarget): Promise<readonly NonNullable<ClientConfig["ssl"]>[]> {
  const { tls } = target;
  if (tls.mode === "disable" || target.host.startsWith("/")) return [false];
  const file = (path: string | undefined): Promise<string | undefined> =>
    path === undefined ? Promise.resolve(undefined) : readFile(path, "utf8");
  const [ca, cert, key] = await Promise.all([file(tls.rootCertificate), file(tls.certificate), file(tls.key)]);
  const verify = tls.mode === "verify-ca" || tls.mode === "verify-full";
  const secure = {
    rejectUnauthorized: verify,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(tls.mode === "verify-full" ? {} : { checkServerIdentity: () => undefined }),
  };
  if (tls.mode === "prefer") return [secure, false];
  return tls.mode === "allow" ? [false, secure] : [secure];
}
