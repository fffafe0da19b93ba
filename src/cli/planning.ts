import { createServer } from "node:net";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import type { ClusterConfig } from "../adapters/config/schema.ts";
import { openSavedWal } from "../adapters/wal/saved-wal.ts";
import type { Composition } from "../compose.ts";
import { PgrescueError } from "../domain/errors.ts";
import { formatInstant, instant } from "../domain/instant.ts";
import { methods } from "../domain/methods/registry.ts";
import type { RecoveryInputs, SiteInputs } from "../domain/plan.ts";
import { parseSize } from "../domain/quantity.ts";
import type { TargetRequest } from "../domain/target.ts";
import type { PlanningWorld } from "../engine/planning/gather.ts";
import { planRecovery, type PlanRequest, type RecoveryPlan } from "../engine/planning/plan-recovery.ts";
import type { PlanRefusal } from "../domain/refusal.ts";
import type { DataDirectory } from "../ports/postgres.ts";
import type { Arguments, OptionSpecs } from "./command.ts";
import { openRepositories, reachableOf } from "./open-repositories.ts";
import { measuredSpeeds } from "./measured.ts";
import { runsPlace } from "./runs-place.ts";
import type { Settings } from "./settings.ts";
import { targetOptions } from "./target-options.ts";

/** Options of every command that plans a recovery. */
export const planningOptions = {
  ...targetOptions,
  method: {
    type: "string",
    value: "METHOD",
    summary: "how to get there (default restore-to-scratch)",
    choices: Object.keys(methods),
  },
  point: { type: "string", value: "ID", summary: "begin with this backup instead of the best one" },
  to: { type: "string", value: "DIR", summary: "directory to restore to", aliases: ["destination"] },
  port: { type: "string", value: "PORT", summary: "port of the restored server" },
  tablespace: {
    type: "string",
    value: "OLD=NEW",
    summary: "where a tablespace goes; OLD is its name, oid or old directory",
    multiple: true,
    aliases: ["tablespace-map"],
  },
} as const satisfies OptionSpecs;

/** What is planned on top of the options: for commands and for the console. */
export interface PlanWish {
  readonly target: TargetRequest;
  readonly method: RecoveryInputs["method"];
  readonly action: RecoveryInputs["targetAction"];
  readonly point: string | null;
  readonly to: string | null;
  readonly port: number | null;
  readonly tablespaces: { readonly [oidNameOrLocation: string]: string };
}

/** The planning options but for the target. Throws `usage` for a port or a tablespace that cannot be one. */
export function readWish(args: Arguments, target: TargetRequest, action: PlanWish["action"], cwd: string): PlanWish {
  const port = args.string("port");
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535))
    throw new PgrescueError("usage", `${JSON.stringify(port)} is not a port`, { next: "Ports are 1 to 65535." });
  const tablespaces = args.strings("tablespace").map((word) => {
    const at = word.indexOf("=");
    if (at < 1)
      throw new PgrescueError("usage", `${JSON.stringify(word)} is not OLD=NEW`, {
        next: "Write --tablespace fast=/srv/scratch/fast.",
      });
    return [word.slice(0, at), resolve(cwd, word.slice(at + 1))] as const;
  });
  const to = args.string("to");
  return {
    target,
    action,
    method: (args.string("method") ?? "restore-to-scratch") as PlanWish["method"],
    point: args.string("point") ?? null,
    to: to === undefined ? null : resolve(cwd, to),
    port: port === undefined ? null : Number(port),
    tablespaces: Object.fromEntries(tablespaces),
  };
}

/** Looks at production's place and plans. Throws what repositories and the configuration throw. */
export async function planWith(
  wish: PlanWish,
  settings: Settings,
  world: Composition,
): Promise<RecoveryPlan | PlanRefusal> {
  const repositories = await openRepositories(settings, world);
  const cluster = settings.clusterName ?? (await onlyCluster(repositories));
  const place =
    wish.method === "rewind-in-place" ? (wish.to ?? settings.cluster?.dataDirectory) : settings.cluster?.dataDirectory;
  const found = place === undefined ? null : await world.postgres.inspect(place);
  const planning = planningWorld(repositories, world, found, { live: true });
  // A place that cannot be read now is left out of the run, and the plan warns of it: what it alone has could not be
  // planned for. One that fails later stops the recovery where its WAL might be missed.
  const reachable = reachableOf(repositories);
  return planRecovery(await requestFor(wish, cluster, settings, found, world, reachable), planning);
}

/**
 * What planning looks at. `found`: production's directory where it is on this host; its pg_wal counts, too, that of a
 * running server only with `live`: it is not safe yet, but a recovery can read it.
 */
export function planningWorld(
  repositories: PlanningWorld["repositories"],
  world: Pick<Composition, "walReader" | "clock">,
  found: DataDirectory | null,
  { live }: { readonly live: boolean },
): PlanningWorld {
  const control = found?.kind === "cluster" && (live || found.postmaster === null) ? found.control : null;
  const local =
    control === null || found === null
      ? null
      : {
          systemIdentifier: control.systemIdentifier,
          wal: openSavedWal(join(found.path, "pg_wal"), control.systemIdentifier),
          // A second back: asynchronous commits are written a little later than they are acknowledged.
          ...(found.postmaster === null
            ? {}
            : { complete: { until: instant(world.clock.now() - 1_000_000n), timeline: control.timeline } }),
        };
  return { repositories, walReader: world.walReader, local };
}

async function requestFor(
  wish: PlanWish,
  cluster: string,
  settings: Settings,
  found: DataDirectory | null,
  world: Pick<Composition, "clock">,
  reachable: readonly string[],
): Promise<PlanRequest> {
  const config = settings.cluster;
  const now = world.clock.now();
  const control = found?.kind === "cluster" ? found.control : null;
  const isRunning = found?.postmaster !== null && found?.postmaster !== undefined;
  const inPlace = wish.method === "rewind-in-place";
  const stamp = formatInstant(now).slice(0, 19).replaceAll(/[-:]/g, "");
  const scratch =
    config?.scratch.directory === undefined ? null : join(config.scratch.directory, `${cluster}-${stamp}`);
  const port =
    wish.port ??
    (inPlace
      ? (found?.postmaster?.port ?? config?.connection.port ?? 5432)
      : (config?.scratch.port ?? (await freePort())));
  const asked = inPlace && wish.port !== null ? { port: wish.port } : null;
  const configured = siteOf(config, reachable, found);
  const site = configured === null && asked === null ? null : { ...configured, ...asked };
  return {
    cluster,
    host: hostname(),
    now,
    target: wish.target,
    method: wish.method,
    action: wish.action,
    point: wish.point,
    production: {
      dataDirectory: found?.path ?? null,
      port: inPlace ? port : (config?.connection.port ?? 5432),
      socketDirectory: found?.postmaster?.socketDirectory ?? socketOf(config) ?? "/var/run/postgresql",
      isRunning,
      walDirectory: control !== null && found !== null ? join(found.path, "pg_wal") : null,
      systemIdentifier: control?.systemIdentifier ?? null,
      timeline: control?.timeline ?? null,
      floors: control?.floors ?? {},
    },
    destination: { dataDirectory: inPlace ? null : (wish.to ?? scratch), port, socketDirectory: null },
    tablespaces: wish.tablespaces,
    speeds: await measuredSpeeds(await runsPlace(settings)),
    ...(site === null ? {} : { site }),
  };
}

function socketOf(config: ClusterConfig | null): string | null {
  const host = config?.connection.host;
  return host?.startsWith("/") === true ? host : null;
}

/** The parts of the configuration that a recovery's steps use. */
function siteOf(
  config: ClusterConfig | null,
  repositories: readonly string[],
  found: DataDirectory | null,
): SiteInputs | null {
  if (config === null) return null;
  const buffers = config.scratch.sharedBuffers === undefined ? null : parseSize(config.scratch.sharedBuffers);
  const { stopApplication, startApplication } = config.hooks;
  const said: SiteInputs = {
    repositories,
    control: config.control,
    checks: config.checks.map(({ name, sql, database }) => ({
      name,
      sql,
      ...(database === undefined ? {} : { database }),
    })),
    production: found === null ? [] : [found.path, ...Object.values(found.tablespaceLinks)],
    ...(config.connection.user === undefined ? {} : { superuser: config.connection.user }),
    ...(config.connection.database === undefined ? {} : { database: config.connection.database }),
    ...(config.binaries === undefined ? {} : { binaries: config.binaries }),
    ...(config.configFile === undefined ? {} : { configFile: config.configFile }),
    ...(stopApplication === undefined ? {} : { stopApplication }),
    ...(startApplication === undefined ? {} : { startApplication }),
    ...(config.smoke === undefined ? {} : { smoke: config.smoke }),
    ...(buffers === null ? {} : { sharedBuffers: `${Math.max(1, Math.round(buffers / 1_048_576))}MB` }),
  };
  return said;
}

async function onlyCluster(repositories: PlanningWorld["repositories"]): Promise<string> {
  const names = new Set<string>();
  for (const repository of repositories) for await (const system of repository.systems()) names.add(system.cluster);
  const [name, second] = [...names].sort();
  if (name === undefined)
    throw new PgrescueError(
      "no-recovery-point",
      `no backup of any cluster is in ${repositories.map((r) => r.url).join(", ")}`,
    );
  if (second !== undefined)
    throw new PgrescueError("usage", `which cluster? the repository has ${[...names].sort().join(", ")}`, {
      next: "Name one with --cluster NAME.",
    });
  return name;
}

/** A port that nobody listens on now. */
async function freePort(): Promise<number> {
  for (let port = 5433; port < 5533; port++) {
    const isFree = await new Promise<boolean>((done) => {
      const server = createServer();
      server.once("error", () => done(false));
      server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
    });
    if (isFree) return port;
  }
  throw new PgrescueError("precondition-refused", "no port between 5433 and 5532 is free", {
    next: "Name one with --port.",
  });
}
