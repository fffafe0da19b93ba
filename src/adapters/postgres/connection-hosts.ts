import { access } from "node:fs/promises";
import { PgrescueError } from "../../domain/errors.ts";
import type { ConnectionParameters } from "./conninfo.ts";

/** One place of a host list. `address` is hostaddr where it is not the name itself. */
export interface Host {
  readonly host: string;
  readonly port: number;
  readonly address?: string;
}

/** The hosts with their ports, in order; the default socket where none is named. Throws `config` where lists do not pair. */
export async function hostsOf(all: ConnectionParameters): Promise<readonly Host[]> {
  const names = all["host"] ? all["host"].split(",") : [];
  const addresses = all["hostaddr"] ? all["hostaddr"].split(",") : [];
  const ports = (all["port"] ?? "").split(",");
  const count = Math.max(names.length, addresses.length, 1);
  if (names.length > 0 && addresses.length > 0 && names.length !== addresses.length)
    throw new PgrescueError("config", `${names.length} hosts but ${addresses.length} addresses (hostaddr)`);
  if (ports.length !== 1 && ports.length !== count)
    throw new PgrescueError("config", `${ports.length} ports for ${count} hosts`);
  const socket = await defaultSocket();
  return Array.from({ length: count }, (_, at) => {
    const address = addresses[at];
    const name = names[at] || (address ?? socket);
    return {
      host: name,
      port: portOf((ports.length === 1 ? ports[0] : ports[at]) ?? ""),
      ...(address === undefined || address === "" || address === name ? {} : { address }),
    };
  });
}

function portOf(text: string): number {
  if (text.trim() === "") return 5432;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new PgrescueError("config", `not a port: ${JSON.stringify(text)}`);
  return port;
}

/** libpq's compiled-in socket directory: Debian's where it exists, upstream's otherwise. */
async function defaultSocket(): Promise<string> {
  return (await exists("/var/run/postgresql")) ? "/var/run/postgresql" : "/tmp";
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
