import type { Secret } from "../../domain/secret.ts";
import type { ConnectionTarget } from "../../ports/sql.ts";

/**
 * The environment that makes psql, pg_dump and the like connect to exactly this place, so that no password and no
 * connection string stands on a command line. Variables that would change the meaning are
 * taken away (undefined): a PGSERVICE would win over all the others.
 */
export function environmentFor(target: ConnectionTarget): { readonly [name: string]: string | Secret | undefined } {
  const { tls } = target;
  const hosts = [target, ...(target.fallbacks ?? [])];
  const hasAddress = hosts.some(({ address }) => address !== undefined);
  return {
    PGHOST: hosts.map(({ host }) => host).join(","),
    PGPORT: hosts.map(({ port }) => port).join(","),
    PGHOSTADDR: hasAddress ? hosts.map(({ address }) => address ?? "").join(",") : undefined,
    PGUSER: target.user,
    PGDATABASE: target.database,
    PGAPPNAME: target.applicationName,
    PGCONNECT_TIMEOUT: String(target.connectTimeoutSeconds),
    PGSSLMODE: tls.mode,
    PGSSLROOTCERT: tls.rootCertificate,
    PGSSLCERT: tls.certificate,
    PGSSLKEY: tls.key,
    PGSERVICE: undefined,
    PGTARGETSESSIONATTRS: target.sessionAttributes ?? "any",
    PGPASSWORD: target.password,
  };
}
