import { Cron } from "croner";
import { dirname, join } from "node:path";
import { thisProgram } from "../adapters/system/program.ts";
import { generateArchiveCommand } from "../adapters/wal/restore-command.ts";
import type { Composition } from "../compose.ts";
import { messageOf, PgrescueError } from "../domain/errors.ts";
import { parseDuration } from "../domain/quantity.ts";
import type { CheckContext, CheckedServer } from "../engine/check.ts";
import { surveyRepositories } from "../engine/planning/survey.ts";
import type { DataDirectory } from "../ports/postgres.ts";
import type { Sql } from "../ports/sql.ts";
import { planningWorld } from "./planning.ts";
import type { Settings } from "./settings.ts";

/**
 * Gathers what checks look at: a session with the server, its data directory on this host, repositories and what is in
 * them. Whatever cannot be had is a fact in the context. Dispose it: the session is open.
 */
export async function openCheckContext(
  settings: Settings & { readonly clusterName: string },
  world: Composition,
): Promise<CheckContext & AsyncDisposable> {
  const cluster = settings.clusterName;
  const { server, sql } = await askServer(cluster, world);
  try {
    const directory = await findDirectory(settings, server, world);
    const repositories = await openAll(settings, world);
    const usable = repositories.flatMap(({ repository }) => (repository === null ? [] : [repository]));
    const survey =
      usable.length === 0
        ? null
        : await surveyRepositories(planningWorld(usable, world, directory, { live: false }), cluster).catch(() => null);
    const major = server.state === "up" ? Math.floor(server.identity.version / 10_000) : (directory?.major ?? null);
    const installation =
      major === null ? null : await world.postgres.installation(major, settings.cluster?.binaries).catch(() => null);
    return {
      cluster,
      now: world.clock.now(),
      server,
      directory,
      installation,
      repositories,
      survey,
      objectives: { rpo: seconds(settings.cluster?.objectives?.rpo), rto: seconds(settings.cluster?.objectives?.rto) },
      backupPeriod: backupPeriod(settings, cluster),
      archiveCommand: generateArchiveCommand({ ...thisProgram(), config: settings.loaded.file }),
      places: placesOf(settings, directory),
      postgres: world.postgres,
      files: world.files,
      shell: world.shell,
      [Symbol.asyncDispose]: async () => await sql?.close().catch(() => undefined),
    };
  } catch (error) {
    await sql?.close().catch(() => undefined);
    throw error;
  }
}

async function askServer(
  cluster: string,
  world: Composition,
): Promise<{ readonly server: CheckedServer; readonly sql: Sql | null }> {
  try {
    const target = await world.connection(cluster);
    const sql = await world.sql.connect(target);
    return {
      server: { state: "up", sql, identity: await world.postgres.identify(sql, target), user: target.user },
      sql,
    };
  } catch (error) {
    if (!(error instanceof PgrescueError) || error.code === "bug") throw error;
    return { server: { state: "unreachable", message: error.message, next: error.next }, sql: null };
  }
}

/** The configured directory, or the one that a server on this host names; null where it cannot be looked at. */
async function findDirectory(
  settings: Settings,
  server: CheckedServer,
  world: Composition,
): Promise<DataDirectory | null> {
  const path = settings.cluster?.dataDirectory ?? (server.state === "up" ? server.identity.dataDirectory : null);
  if (path === null || path === undefined) return null;
  const found = await world.postgres.inspect(path).catch(() => null);
  return found === null || found.kind === "missing" ? null : found;
}

async function openAll(settings: Settings, world: Composition): Promise<CheckContext["repositories"]> {
  return await Promise.all(
    settings.repositories.map(async ({ name, url }) => {
      try {
        const repository = await world.repository(name);
        // Opening may be lazy: one question shows that it answers.
        for await (const _system of repository.systems()) break;
        return { name, url: repository.url, repository, failure: null, next: null };
      } catch (error) {
        return {
          name,
          url,
          repository: null,
          failure: messageOf(error),
          next: error instanceof PgrescueError ? error.next : null,
        };
      }
    }),
  );
}

function placesOf(settings: Settings, directory: DataDirectory | null): CheckContext["places"] {
  const local = settings.repositories.flatMap(({ name, url }) =>
    url.startsWith("file://")
      ? [{ name: `repository ${name}`, path: decodeURIComponent(url.slice("file://".length)) }]
      : [],
  );
  const scratch = settings.cluster?.scratch.directory;
  return [
    ...(directory === null
      ? []
      : [
          { name: "data directory", path: directory.path },
          { name: "pg_wal", path: directory.walLink ?? join(directory.path, "pg_wal") },
        ]),
    ...Object.entries(directory?.tablespaceLinks ?? {}).map(([oid, path]) => ({ name: `tablespace ${oid}`, path })),
    ...local,
    ...(scratch === undefined ? [] : [{ name: "scratch", path: scratch }]),
    { name: "state", path: dirname(join(settings.stateDirectory, "runs")) },
  ];
}

function seconds(text: string | undefined): number | null {
  return text === undefined ? null : parseDuration(text);
}

/** The shortest pause between the scheduled base backups of a cluster, with two hours of slack; null without a schedule. */
function backupPeriod(settings: Settings, cluster: string): number | null {
  const entries = settings.loaded.config.schedule.filter((e) => e.cluster === cluster && e.backup === "base");
  const pauses = entries.flatMap(({ at, timeZone }) => {
    try {
      const [first, second] = new Cron(at, { timezone: timeZone, paused: true }).nextRuns(2);
      return first === undefined || second === undefined ? [] : [(second.getTime() - first.getTime()) / 1000];
    } catch {
      return [];
    }
  });
  return pauses.length === 0 ? null : Math.min(...pauses) + 7200;
}
