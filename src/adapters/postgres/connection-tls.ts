import { access } from "node:fs/promises";
import { join } from "node:path";
import type { ConnectionTarget } from "../../ports/sql.ts";
import type { ConnectionParameters } from "./conninfo.ts";
import { oneOf } from "./one-of.ts";

/** TLS mode and files, those below ~/.postgresql where they exist. Throws `config` for a mode that there is not. */
export async function tlsOf(all: ConnectionParameters, home: string): Promise<ConnectionTarget["tls"]> {
  const own = join(home, ".postgresql");
  const file = async (keyword: string, otherwise: string): Promise<string | null> =>
    all[keyword] || ((await exists(otherwise)) ? otherwise : null);
  const rootCertificate = await file("sslrootcert", join(own, "root.crt"));
  const certificate = await file("sslcert", join(own, "postgresql.crt"));
  const key = await file("sslkey", join(own, "postgresql.key"));
  // `system` means nothing without a full check, and libpq makes it the default then.
  const mode = all["sslmode"] || (rootCertificate === "system" ? "verify-full" : "prefer");
  return {
    mode: oneOf("sslmode", mode, ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]),
    ...(rootCertificate === null ? {} : { rootCertificate }),
    ...(certificate === null || key === null ? {} : { certificate, key }),
  };
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
