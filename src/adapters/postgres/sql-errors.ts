import { PgrescueError, type ErrorCode } from "../../domain/errors.ts";
import type { ConnectionTarget } from "../../ports/sql.ts";

/** `db1:5432`, or the socket file, for messages. */
export function placeOf(target: { readonly host: string; readonly port: number }): string {
  return target.host.startsWith("/") ? `${target.host}/.s.PGSQL.${target.port}` : `${target.host}:${target.port}`;
}

type Explanation = readonly [code: ErrorCode, what: string, next: string];

/** An error of the session's opening, as a PgrescueError whose hint fits what went wrong. */
export function connectionError(error: unknown, target: ConnectionTarget): PgrescueError {
  if (error instanceof PgrescueError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
  const [kind, what, next] = explain(code, message, target);
  return new PgrescueError(kind, what, { next, means: "Nothing was changed; no session was opened.", cause: error });
}

function explain(code: string, message: string, target: ConnectionTarget): Explanation {
  const place = placeOf(target);
  const who = `user ${target.user}, database ${target.database}`;
  switch (code) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EAI_NODATA":
      return [
        "external-failure",
        `the name ${target.host} cannot be resolved`,
        "Check the host's name and this machine's DNS.",
      ];
    case "ECONNREFUSED":
      return [
        "external-failure",
        `nothing listens on ${place}`,
        "Check host and port, and whether the server runs and listens there (listen_addresses, unix_socket_directories).",
      ];
    case "ENOENT":
      return [
        "external-failure",
        `there is no socket ${place}`,
        "The server is down, or its unix_socket_directories or port are others: compare with `pg_lsclusters` or postmaster.pid.",
      ];
    case "EACCES":
    case "EPERM":
      return [
        "external-failure",
        `this user may not open ${place}`,
        "Run as a user that may enter the socket's directory, or connect over TCP.",
      ];
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return [
        "external-failure",
        `${place} does not answer (${code.toLowerCase()})`,
        "A firewall or route drops the packets: check security groups, network policies and the address.",
      ];
    case "28P01":
      return [
        "credentials",
        `${place} refused the password (${who}): ${message}`,
        "Check the password's source: passwordFile, passwordCommand, PGPASSWORD, or the first line of .pgpass that fits.",
      ];
    case "28000":
      return ["credentials", `${place} refused ${who}: ${message}`, hbaHint(message, target)];
    case "3D000":
      return [
        "external-failure",
        `there is no database ${target.database} on ${place}`,
        "Name an existing database; `postgres` usually is one.",
      ];
    case "57P03":
      return [
        "external-failure",
        `${place} does not take sessions yet: ${message}`,
        "Wait: it is starting, recovering or stopping. Its log says how far it is.",
      ];
    case "53300":
      return [
        "external-failure",
        `${place} has no free connection slot: ${message}`,
        "Connect as a superuser (reserved slots), or end idle sessions.",
      ];
    default:
      return explainText(code, message, target);
  }
}

function explainText(code: string, message: string, target: ConnectionTarget): Explanation {
  const place = placeOf(target);
  if (/timeout expired|connection timeout/i.test(message)) {
    return [
      "external-failure",
      `${place} did not answer within ${target.connectTimeoutSeconds} s`,
      "A firewall or route drops the packets, or the machine is overloaded: check the way to it, or raise PGCONNECT_TIMEOUT.",
    ];
  }
  if (/does not support SSL/i.test(message)) {
    return [
      "credentials",
      `${place} offers no TLS, which sslmode ${target.tls.mode} requires`,
      "Turn ssl on in the server, or use sslmode prefer where the network is trusted.",
    ];
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID" || /altnames|Hostname\/IP does not match/i.test(message)) {
    return [
      "credentials",
      `the certificate of ${place} is for another name: ${message}`,
      "Connect with the name in the certificate, or use sslmode verify-ca.",
    ];
  }
  if (
    /^(?:DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|CERT_|ERR_SSL|ERR_TLS|ERR_OSSL)/.test(code) ||
    /SSL|certificate/i.test(message)
  ) {
    return [
      "credentials",
      `no trusted TLS connection to ${place}: ${message}`,
      "Name the authority's certificate as sslrootcert, and check its dates.",
    ];
  }
  if (/SASL|client password must be/i.test(message)) {
    return [
      "credentials",
      `${place} asks for a password and none fits (${message})`,
      "Give one by passwordFile, passwordCommand, PGPASSWORD or .pgpass (mode 0600).",
    ];
  }
  return ["external-failure", `cannot connect to ${place}: ${message}`, "Look at the server's log for this moment."];
}

function hbaHint(message: string, target: ConnectionTarget): string {
  if (/Peer authentication/i.test(message))
    return `Run as the operating system user ${target.user}, map the user in pg_ident.conf, or connect over TCP with a password.`;
  if (/no encryption|SSL off/i.test(message)) return "The server's pg_hba.conf wants TLS here: use sslmode require.";
  if (/does not exist/.test(message)) return "Create the role, or name another one as `user`.";
  return "Add a line for this user, database and address to the server's pg_hba.conf and reload it.";
}
