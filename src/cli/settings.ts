import { basename, join, resolve } from "node:path";
import { loadConfig, type LoadedConfig } from "../adapters/config/load.ts";
import type { ClusterConfig, RepositoryConfig } from "../adapters/config/schema.ts";
import { PgrescueError } from "../domain/errors.ts";
import type { Include } from "../domain/include.ts";
import { nearest } from "../domain/nearest.ts";
import type { Arguments, Terminal } from "./command.ts";

export interface NamedRepository extends RepositoryConfig {
  readonly name: string;
}

/** What a command works on, after flags, environment and configuration files have been weighed. */
export interface Settings {
  readonly loaded: LoadedConfig;
  /** null: not named and not to be known from the configuration; the repository may tell. */
  readonly clusterName: string | null;
  readonly cluster: ClusterConfig | null;
  /** In order: the first is written first. Never empty unless there is no configuration and no --repository. */
  readonly repositories: readonly NamedRepository[];
  readonly stateDirectory: string;
  /** Nothing names the state directory: it is that of whoever works. */
  readonly isStateDefault?: boolean;
}

/** Weighs flags > PGRESCUE_* > configuration file > defaults. Throws `config` or `usage`. */
export async function openSettings(args: Arguments, terminal: Terminal): Promise<Settings> {
  const { env, cwd } = terminal;
  const loaded = await loadConfig(args.string("config"), cwd, env);
  const clusters = Object.keys(loaded.config.clusters);
  const asked = args.string("cluster") ?? env["PGRESCUE_CLUSTER"];
  const repository = args.string("repository") ?? env["PGRESCUE_REPOSITORY"];
  const byUrl = repository !== undefined && isLocation(repository);
  if (asked !== undefined && !clusters.includes(asked) && !byUrl) {
    const close = nearest(asked, clusters);
    throw new PgrescueError(
      "config",
      `no cluster ${asked} in ${loaded.file ?? "any configuration file"}${close === null ? "" : `; did you mean ${close}?`}`,
      {
        next:
          clusters.length > 0
            ? `Known: ${clusters.join(", ")}.`
            : "Write a configuration with `pgrescue init`, or name a repository by its URL with --repository.",
      },
    );
  }
  const clusterName = asked ?? (clusters.length === 1 ? (clusters[0] ?? null) : null);
  const cluster = clusterName === null ? null : (loaded.config.clusters[clusterName] ?? null);
  return {
    loaded,
    clusterName,
    cluster,
    repositories: withIdentity(chooseRepositories(loaded, cluster, repository, cwd), args, terminal),
    stateDirectory: namedStateDirectory(args, terminal, loaded) ?? ownStateDirectory(terminal),
    isStateDefault: namedStateDirectory(args, terminal, loaded) === undefined,
  };
}

/** The settings with a cluster that the configuration knows. Throws `config` or `usage` saying how to name one. */
export function requireCluster(
  settings: Settings,
): Settings & { readonly clusterName: string; readonly cluster: ClusterConfig } {
  const { clusterName, cluster, loaded } = settings;
  if (clusterName !== null && cluster !== null) return { ...settings, clusterName, cluster };
  const known = Object.keys(loaded.config.clusters);
  if (known.length > 1)
    throw new PgrescueError("usage", `which cluster? the configuration has ${known.join(", ")}`, {
      next: "Name one with --cluster NAME.",
    });
  throw new PgrescueError("config", `no cluster in ${loaded.file ?? "any configuration file"}`, {
    next: "Write a configuration with `pgrescue init`; `pgrescue config show --origin` says where it is looked for.",
  });
}

/** The repository that is written first. Throws `config` where the cluster has none. */
export function firstRepository(settings: Settings & { readonly clusterName: string }): NamedRepository {
  const [first] = settings.repositories;
  if (first !== undefined) return first;
  throw new PgrescueError("config", `cluster ${settings.clusterName} has no repository`, {
    next: "Name one under clusters, repositories, or with --repository.",
  });
}

/** The repositories beside the first that are written, too; null where there is none. */
export function furtherRepositories({ repositories }: Settings): readonly string[] | null {
  const names = repositories.slice(1).filter((r) => !r.readOnly && r.format !== "plain");
  return names.length === 0 ? null : names.map(({ name }) => name);
}

/** What travels with each backup of a cluster, as the configuration says it. Throws `config` for two of one name. */
export function includesOf(cluster: ClusterConfig | null): readonly Include[] {
  const all = (cluster?.include ?? []).map(({ file, command, as, secret }): Include =>
    file === undefined
      ? { name: as ?? "", secret, command: command ?? [] }
      : { name: as ?? basename(file), secret, file },
  );
  const bad = all.find(
    ({ name }, at) =>
      all.findIndex((other) => other.name === name) !== at || !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name),
  );
  if (bad !== undefined)
    throw new PgrescueError("config", `include: ${JSON.stringify(bad.name)} is there twice, or no plain name`, {
      next: "Give it a name of its own with `as`.",
    });
  return all;
}

function chooseRepositories(
  loaded: LoadedConfig,
  cluster: ClusterConfig | null,
  asked: string | undefined,
  cwd: string,
): readonly NamedRepository[] {
  const known = loaded.config.repositories;
  if (asked !== undefined) {
    const entry = known[asked];
    if (entry !== undefined) return [{ name: asked, ...entry }];
    if (!isLocation(asked)) {
      const close = nearest(asked, Object.keys(known));
      throw new PgrescueError(
        "config",
        `no repository ${asked} in ${loaded.file ?? "any configuration file"}${close === null ? "" : `; did you mean ${close}?`}`,
        { next: "Name one from the configuration, a directory, or a URL like file:///mnt/backup." },
      );
    }
    const url = asked.includes("://") ? asked : `file://${resolve(cwd, asked)}`;
    const named = Object.entries(known).find(([, repository]) => repository.url === url);
    return [
      named === undefined ? { name: url, url, format: "auto", readOnly: false } : { name: named[0], ...named[1] },
    ];
  }
  const names = cluster?.repositories ?? Object.keys(known);
  return names.flatMap((name) => (known[name] === undefined ? [] : [{ name, ...known[name] }]));
}

/** --identity and its environment reach every repository of the command: as names of files, never as keys. */
function withIdentity(
  repositories: readonly NamedRepository[],
  args: Arguments,
  { env, cwd }: Terminal,
): readonly NamedRepository[] {
  const identity = args.string("identity") ?? env["PGRESCUE_IDENTITY"];
  const passphrase = env["PGRESCUE_IDENTITY_PASSPHRASE_FILE"];
  if (identity === undefined && passphrase === undefined) return repositories;
  return repositories.map((repository) => ({
    ...repository,
    encryption: {
      ...repository.encryption,
      ...(identity === undefined ? {} : { identityFile: resolve(cwd, identity) }),
      ...(passphrase === undefined ? {} : { passphraseFile: resolve(cwd, passphrase) }),
    },
  }));
}

function isLocation(text: string): boolean {
  return text.includes("://") || text.startsWith("/") || text.startsWith("./") || text.startsWith("../");
}

function namedStateDirectory(args: Arguments, terminal: Terminal, loaded: LoadedConfig): string | undefined {
  const asked = args.string("state-dir") ?? terminal.env["PGRESCUE_STATE_DIR"];
  return asked === undefined ? loaded.config.stateDirectory : resolve(terminal.cwd, asked);
}

function ownStateDirectory(terminal: Terminal): string {
  if (process.getuid?.() === 0) return "/var/lib/pgrescue";
  const state = terminal.env["XDG_STATE_HOME"] ?? join(terminal.env["HOME"] ?? "/", ".local", "state");
  return join(state, "pgrescue");
}
