import { cipherFor } from "./adapters/crypto/repository-cipher.ts";
import { knownRepositories } from "./adapters/config/known-repositories.ts";
import { createPostgres } from "./adapters/postgres/postgres.ts";
import { createBackupTaker } from "./adapters/postgres/backup/take-backup.ts";
import { createDumpRestorer } from "./adapters/postgres/dump/restore/dump-restorer.ts";
import { createDumpTaker } from "./adapters/postgres/dump/take-dump.ts";
import { resolveConnection, type ConnectionSettings } from "./adapters/postgres/connection.ts";
import { createScratchServers } from "./adapters/postgres/scratch-servers.ts";
import { createSqlConnector } from "./adapters/postgres/sql.ts";
import { createWalReader } from "./adapters/postgres/waldump/wal-reader.ts";
import { isClusterName, isLeaseKey } from "./adapters/repository/native/keys.ts";
import { openRepository } from "./adapters/repository/registry.ts";
import { guarded } from "./adapters/storage/guarded.ts";
import { readOnly as readOnlyStore } from "./adapters/storage/read-only.ts";
import { openLastingStore } from "./adapters/storage/registry.ts";
import { brokeredShell } from "./adapters/system/broker.ts";
import { systemClock } from "./adapters/system/clock.ts";
import { createShell } from "./adapters/system/exec.ts";
import { createFiles } from "./adapters/system/files.ts";
import { thisProgram } from "./adapters/system/program.ts";
import { currentUser } from "./adapters/system/users.ts";
import { createRecoveryWal } from "./adapters/wal/recovery-wal.ts";
import type { Settings, NamedRepository } from "./cli/settings.ts";
import { fetchRepositoryOf } from "./cli/wal-settings.ts";
import { PgrescueError } from "./domain/errors.ts";
import type { World } from "./engine/world.ts";
import type { Repository } from "./ports/repository.ts";
import type { Shell } from "./ports/shell.ts";
import type { ConnectionTarget } from "./ports/sql.ts";
import type { WalReader } from "./ports/wal-reader.ts";

/** The world that steps work in, and what commands ask besides. */
export interface Composition extends World {
  readonly walReader: WalReader;
  /** How the cluster's server is reached; credentials are read at each call. Throws `config` for an unknown cluster. */
  connection(cluster: string): Promise<ConnectionTarget>;
}

/**
 * Connects adapters and ports for one command or run. The only place that knows everyone. Only a run that writes backups
 * makes a repository in an empty place; whoever reads must not.
 */
export function compose(
  settings: Settings,
  env: { readonly [name: string]: string | undefined },
  options: {
    readonly createsRepositories?: boolean;
    /** Asked with the repository's name before anything is written to it or removed from it; may refuse by throwing. */
    readonly guard?: (repository: string) => Promise<void>;
  } = {},
): Composition {
  const shell = brokeredShell(createShell());
  const sql = createSqlConnector();
  const opened = new Map<string, Promise<Repository>>();
  const repository = (name: string): Promise<Repository> => {
    const known =
      opened.get(name) ??
      openNamed(
        findRepository(settings, name),
        settings.stateDirectory,
        options.createsRepositories === true,
        shell,
        settings.clusterName,
        options.guard === undefined ? null : () => options.guard?.(name) ?? Promise.resolve(),
      );
    opened.set(name, known);
    // A failure is not remembered: the storage may be back at the next try.
    known.catch(() => opened.delete(name));
    return known;
  };
  const resolved = async (to: ConnectionSettings): Promise<ConnectionTarget> => {
    const user = await currentUser();
    return resolveConnection(to, { environment: env, home: env["HOME"] ?? user.home, user: user.name, shell });
  };
  const connection = async (cluster: string): Promise<ConnectionTarget> => {
    const configured = settings.loaded.config.clusters[cluster];
    if (configured === undefined)
      throw new PgrescueError("config", `no cluster ${cluster} in ${settings.loaded.file ?? "any configuration file"}`);
    return resolved(configured.connection);
  };
  return {
    clock: systemClock,
    shell,
    sql,
    postgres: createPostgres(shell, sql, env),
    files: createFiles(),
    walReader: createWalReader(),
    backups: createBackupTaker({ sql, clock: systemClock, connection, repository }),
    dumpRestores: createDumpRestorer({
      sql,
      shell,
      environment: env,
      target: (into) => (isClusterName(into) ? connection(into) : resolved({ url: into })),
    }),
    scratchServers: createScratchServers(),
    dumps: createDumpTaker({ sql, shell, clock: systemClock, environment: env, connection, repository }),
    recoveryWal: createRecoveryWal({
      ...thisProgram(),
      repository,
      describe: (name) => fetchRepositoryOf(findRepository(settings, name)),
    }),
    repository,
    connection,
  };
}

function findRepository(settings: Settings, name: string): NamedRepository {
  const chosen = settings.repositories.find((repository) => repository.name === name || repository.url === name);
  if (chosen !== undefined) return chosen;
  const configured = settings.loaded.config.repositories[name];
  if (configured !== undefined) return { name, ...configured };
  if (name.includes("://") || name.startsWith("/")) return { name, url: name, format: "auto", readOnly: false };
  throw new PgrescueError("config", `no repository ${name} in ${settings.loaded.file ?? "any configuration file"}`);
}

/** Makes a repository in an empty place only where none was seen before. */
async function openNamed(
  { name, url, format, readOnly, ...options }: NamedRepository,
  stateDirectory: string,
  mayCreate: boolean,
  shell: Shell,
  cluster: string | null,
  guard: (() => Promise<void>) | null,
): Promise<Repository> {
  const opened = await openLastingStore(url, options, systemClock);
  let isOpen = false;
  // Opening, which may make the repository, and the lease itself come before there can be a lease.
  const mayWrite = async (key: string): Promise<void> => (isOpen && !isLeaseKey(key) ? guard?.() : undefined);
  const store = readOnly ? readOnlyStore(opened) : guard === null ? opened : guarded(opened, mayWrite);
  const encryption = {
    cipherFor: cipherFor(options.encryption ?? {}, () => Promise.resolve(shell)),
    ...(cluster === null ? {} : { cluster }),
    ...(options.encryption?.recipients === undefined ? {} : { recipients: options.encryption.recipients }),
  };
  if (!mayCreate || readOnly) {
    const repository = await openRepository({ name, url: store.url, store, format, readOnly, ...encryption });
    isOpen = true;
    return repository;
  }
  const known = knownRepositories(stateDirectory);
  const create = !(await known.has(store.url));
  const repository = await openRepository({ name, url: store.url, store, format, readOnly, create, ...encryption });
  isOpen = true;
  await known.remember(store.url);
  return repository;
}
