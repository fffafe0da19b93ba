import { realpath } from "node:fs/promises";
import { readSystemIdentifier } from "../adapters/wal/data-directory.ts";
import { fetchConfigDefaults, type FetchConfig, type FetchRepository } from "../adapters/wal/fetch-config.ts";
import { PgrescueError } from "../domain/errors.ts";
import type { Arguments, Terminal } from "./command.ts";
import { openSettings, type NamedRepository, type Settings } from "./settings.ts";

const defaultAhead = 16;

/** Which cluster a data directory's WAL belongs to, and where its WAL goes. */
export interface WalSettings {
  readonly cluster: string;
  readonly systemIdentifier: string;
  readonly repositories: readonly FetchRepository[];
  /** How many waiting segments are sent with the one that is asked for. */
  readonly ahead: number;
}

/**
 * Finds the cluster of the data directory that PostgreSQL runs us in: the one that is named, the only one, or the one
 * whose configured data directory holds the same system. Throws `config` when that leaves none.
 */
export async function walSettings(args: Arguments, terminal: Terminal): Promise<WalSettings> {
  const systemIdentifier = await readSystemIdentifier(terminal.cwd);
  const settings = await openSettings(args, terminal);
  const cluster = settings.clusterName ?? (await clusterOf(settings, terminal.cwd, systemIdentifier));
  const configured = settings.loaded.config.clusters[cluster];
  const names = args.string("repository") === undefined ? configured?.repositories : undefined;
  const known = settings.loaded.config.repositories;
  const chosen: readonly NamedRepository[] =
    names === undefined
      ? settings.repositories
      : names.flatMap((name) => (known[name] === undefined ? [] : [{ name, ...known[name] }]));
  const ahead = configured?.walPush.ahead ?? defaultAhead;
  return { cluster, systemIdentifier, repositories: chosen.map(fetchRepositoryOf), ahead };
}

/** A configured repository as fetch.json keeps it: never with a secret, which are named by file or environment. */
export function fetchRepositoryOf(repository: NamedRepository): FetchRepository {
  const { name, url, format, readOnly, ...options } = repository;
  return { name, url, format, options, readOnly };
}

/** What fetch.json would say, from the ordinary configuration: no target is known, nothing is prefetched. */
export async function configuredFetch(args: Arguments, terminal: Terminal): Promise<FetchConfig> {
  const { cluster, systemIdentifier, repositories } = await walSettings(args, terminal);
  return {
    ...fetchConfigDefaults,
    cluster,
    systemIdentifier,
    repositories,
    segmentSize: 0,
    dataDirectory: terminal.cwd,
    ahead: 0,
  };
}

async function clusterOf(settings: Settings, dataDirectory: string, systemIdentifier: string): Promise<string> {
  const clusters = Object.entries(settings.loaded.config.clusters);
  const own = await realpath(dataDirectory);
  for (const [name, { dataDirectory: configured }] of clusters) {
    if (configured !== undefined && (await realpath(configured).catch(() => null)) === own) return name;
  }
  for (const [name, { dataDirectory: configured }] of clusters) {
    if (configured === undefined) continue;
    if ((await readSystemIdentifier(configured).catch(() => null)) === systemIdentifier) return name;
  }
  throw new PgrescueError(
    "config",
    `no configured cluster has the system identifier ${systemIdentifier} of ${dataDirectory}`,
    { next: "Name the cluster with --cluster NAME, or set its dataDirectory in pgrescue.yaml." },
  );
}
