import { access, readFile } from "node:fs/promises";
import type { ConnectionOptions } from "node:tls";
import { PgrescueError } from "../../domain/errors.ts";
import type { ConnectionTarget } from "../../ports/sql.ts";

/** How one attempt is encrypted; false: not at all. */
export type TlsAttempt = ConnectionOptions | false;

/**
 * The attempts that a TLS mode stands for, in order, as libpq makes them: `allow` plain then TLS, `prefer` TLS then plain,
 * the rest TLS only; a socket is never encrypted. `require` with a root certificate verifies the chain, as libpq's does.
 * Throws `config` when a file that is named cannot be read.
 */
export async function tlsAttempts(target: ConnectionTarget): Promise<readonly TlsAttempt[]> {
  const { mode } = target.tls;
  if (target.host.startsWith("/") || mode === "disable") return [false];
  const encrypted = await optionsOf(target);
  if (mode === "allow") return [false, encrypted];
  return mode === "prefer" ? [encrypted, false] : [encrypted];
}

async function optionsOf(target: ConnectionTarget): Promise<ConnectionOptions> {
  const { mode, rootCertificate, certificate, key } = target.tls;
  // libpq: with `require` a certificate that is not there is as if none were named; verify-* insists on it.
  const hasRoot = rootCertificate !== undefined && (mode !== "require" || (await exists(rootCertificate)));
  const verify = mode === "verify-full" || mode === "verify-ca" || (mode === "require" && hasRoot);
  if (verify && !hasRoot) {
    throw new PgrescueError("config", `sslmode ${mode} needs a root certificate and none is named`, {
      next: "Name it as sslrootcert (PGSSLROOTCERT), put it at ~/.postgresql/root.crt, or say sslrootcert=system.",
    });
  }
  return {
    rejectUnauthorized: verify,
    ...(verify && rootCertificate !== "system" && hasRoot ? { ca: await contentOf(rootCertificate) } : {}),
    ...(certificate === undefined || key === undefined
      ? {}
      : { cert: await contentOf(certificate), key: await contentOf(key) }),
    ...(mode === "verify-full" ? {} : { checkServerIdentity: () => undefined }),
    // With `hostaddr` the name to check is not the address that is dialled.
    ...(target.address === undefined || target.host === "" ? {} : { servername: target.host }),
  };
}

async function contentOf(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new PgrescueError("config", `cannot read the TLS file ${path}`, { cause: error });
  }
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
