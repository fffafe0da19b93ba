import type { ConnectionTarget, SqlConnector } from "../../ports/sql.ts";
import type { DataDirectory, Installation, PostgresPort } from "../../ports/postgres.ts";
import type { Shell } from "../../ports/shell.ts";
import { findConfiguration, readConfiguration } from "./config-files.ts";
import { formatSettings } from "./config-syntax.ts";
import { readControlData } from "./control-data.ts";
import { controlReader, inspectDataDirectory } from "./data-directory.ts";
import { followRecovery } from "./follow.ts";
import { identify } from "./identity.ts";
import { findInstallation, findInstallations } from "./installations.ts";
import { serverLog } from "./server-log.ts";
import { missingLibraries, muzzleSettings } from "./muzzle.ts";
import { startCommand, stopCommand } from "./server-commands.ts";
import { findControl } from "./server-control.ts";

/** PostgreSQL on this machine. Installations are looked for once per process. */
export function createPostgres(
  shell: Shell,
  sql: SqlConnector,
  environment: { readonly [name: string]: string | undefined },
): PostgresPort {
  const known = new Map<string, Promise<Installation>>();
  const installation = (major: number, configured?: string): Promise<Installation> => {
    const key = `${major} ${configured ?? ""}`;
    const found = known.get(key) ?? findInstallation(shell, environment, major, configured);
    known.set(key, found);
    // A refusal is not remembered: somebody may install it meanwhile.
    found.catch(() => known.delete(key));
    return found;
  };
  const controlData: PostgresPort["controlData"] = (dataDirectory, from) => readControlData(shell, dataDirectory, from);
  return {
    installation,
    installations: () => findInstallations(shell, environment),
    inspect: (dataDirectory) => inspectDataDirectory(dataDirectory, controlReader(installation, controlData)),
    connectionOf,
    controlData,
    serverControl: async (directory, major, request) =>
      findControl({ shell, installation: await installation(major) }, directory, request),
    configurationFiles: findConfiguration,
    readConfiguration,
    startCommand,
    stopCommand,
    muzzle: muzzleSettings,
    formatSettings,
    missingLibraries: (from, names) => missingLibraries(shell, from, names),
    followRecovery: (options) => followRecovery(sql, options),
    serverLog,
    identify,
  };
}

/** Over its socket where it has one, otherwise over the loopback address. */
function connectionOf({ postmaster }: DataDirectory, user: string, database: string): ConnectionTarget | null {
  if (postmaster === null) return null;
  return {
    host: postmaster.socketDirectory === "" ? "127.0.0.1" : postmaster.socketDirectory,
    port: postmaster.port,
    user,
    database,
    tls: { mode: "prefer" },
    applicationName: "pgrescue",
    connectTimeoutSeconds: 10,
  };
}
