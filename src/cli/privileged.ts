import type { BrokerCommands } from "../adapters/system/broker.ts";
import type { ClusterConfig } from "../adapters/config/schema.ts";
import { onlyRootMayChange } from "../adapters/system/trust.ts";
import { compose } from "../compose.ts";
import type { Settings } from "./settings.ts";

/**
 * What root keeps doing for a run that works as the owner of the data directory: the hooks, and starting and stopping the
 * server where its manager is the system's. Everything else runs as the owner, and so does all of it where others than
 * root can change the configuration file.
 */
export async function privilegedCommands(
  settings: Settings | null,
  env: { readonly [name: string]: string | undefined },
): Promise<BrokerCommands> {
  const cluster = settings?.cluster ?? null;
  if (settings === null || cluster === null || settings.loaded.file === null) return [];
  // Whoever can write the configuration would become root.
  if (!(await onlyRootMayChange(settings.loaded.file))) return [];
  return [...configuredCommands(cluster), ...(await managerCommands(cluster, settings, env))];
}

function configuredCommands(cluster: ClusterConfig): BrokerCommands {
  const { stopApplication, startApplication } = cluster.hooks;
  return [
    ...(stopApplication === undefined ? [] : [stopApplication]),
    ...(startApplication === undefined ? [] : [startApplication]),
    ...(cluster.control.kind === "command"
      ? [cluster.control.start, cluster.control.stop, cluster.control.status]
      : []),
  ];
}

async function managerCommands(
  cluster: ClusterConfig,
  settings: Settings,
  env: { readonly [name: string]: string | undefined },
): Promise<BrokerCommands> {
  const { control, dataDirectory } = cluster;
  if (dataDirectory === undefined || (control.kind !== "auto" && control.kind !== "systemd")) return [];
  const { postgres } = compose(settings, env);
  const directory = await postgres.inspect(dataDirectory).catch(() => null);
  if (directory === null || directory.major === null) return [];
  const found = await postgres.serverControl(directory, directory.major, control).catch(() => null);
  return found?.kind === "control" && found.control.kind === "systemd" ? [found.control.start, found.control.stop] : [];
}
