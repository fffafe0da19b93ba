import { hostname } from "node:os";
import { resolve } from "node:path";
import { systemClock } from "../adapters/system/clock.ts";
import { compose } from "../compose.ts";
import { PgrescueError } from "../domain/errors.ts";
import { formatInstant } from "../domain/instant.ts";
import type { DumpFilesInputs, DumpRestoreInputs } from "../domain/plan.ts";
import type { RecoveryPoint } from "../domain/recovery-point.ts";
import { openDump } from "../engine/open-point.ts";
import { planSteps } from "../engine/plan-steps.ts";
import { steps } from "../engine/steps/registry.ts";
import type { Repository } from "../ports/repository.ts";
import type { Arguments, OptionSpecs, Terminal } from "./command.ts";
import { openRepositories } from "./open-repositories.ts";
import { printPlan } from "./print-plan.ts";
import { currentActor } from "./run/actor.ts";
import { answersFrom } from "./run/answers.ts";
import { openRun } from "./run/launch-run.ts";
import { describeRun } from "./run/open-spec.ts";
import { showRun } from "./run/show-any.ts";
import { isInteractive, type FaceName } from "./run/show-run.ts";
import type { Settings } from "./settings.ts";

/** Bytes of a name that PostgreSQL keeps (NAMEDATALEN - 1). */
const longestName = 63;

/** Methods of recovering that begin with a dump. */
export const dumpMethods = ["dump-to-new-database", "dump-as-files"] as const;

/** Options of `recover` that mean something for dumps. */
export const dumpRestoreOptions = {
  into: {
    type: "string",
    value: "SERVER",
    summary: "dump: a cluster of the configuration, or postgres://user@host:port/db",
  },
  database: { type: "string", value: "NEW", summary: "dump: the name of the database that is made" },
  "source-database": { type: "string", value: "NAME", summary: "dump: which of its databases (default the only one)" },
  schema: { type: "string", value: "NAME", summary: "dump: only this schema", multiple: true },
  table: { type: "string", value: "NAME", summary: "dump: only this table", multiple: true },
  jobs: { type: "string", value: "N", summary: "dump: load with N sessions, from a file beside (default 1, streamed)" },
  staging: {
    type: "string",
    value: "DIR",
    summary: "dump: where that file lies meanwhile (default the run's directory)",
  },
  "no-owner": { type: "boolean", summary: "dump: everything belongs to the role that restores" },
  "no-privileges": { type: "boolean", summary: "dump: leave grants out" },
  swap: { type: "string", value: "NAME", summary: "dump: afterwards exchange it for this database, which is kept" },
} as const satisfies OptionSpecs;

/** Whether the command line is about a dump. */
export function isAboutDump(args: Arguments): boolean {
  const method = args.string("method");
  if (method !== undefined) return (dumpMethods as readonly string[]).includes(method);
  return args.string("into") !== undefined;
}

/** Restores a dump into a new database, or shows how with --dry-run. */
export async function recoverDump(
  args: Arguments,
  terminal: Terminal,
  settings: Settings,
  face: FaceName,
): Promise<number> {
  const inputs =
    args.string("method") === "dump-as-files"
      ? await filesInputsOf(args, terminal, settings)
      : await inputsOf(args, terminal, settings);
  const target = "into" in inputs ? confirmationOf(inputs, settings) : `${inputs.cluster}@${hostname()}`;
  const swap = "swap" in inputs ? inputs.swap : null;
  const spec = await describeRun(
    {
      kind: "recovery",
      cluster: inputs.cluster,
      runbook: inputs.method,
      inputs: JSON.parse(JSON.stringify(inputs)),
      confirm: target,
      lock: null,
    },
    settings,
    terminal.env,
  );
  if (args.flag("dry-run")) {
    const planned = await planSteps(spec.runbook, steps, spec.inputs);
    const shown = swap === null ? planned.filter((step) => step.builtin !== "dump.swap") : planned;
    printPlan({ inputs: spec.inputs, steps: shown, estimate: null }, args, terminal);
    return 0;
  }
  const run = await openRun(settings.stateDirectory, spec, {
    actor: await currentActor(terminal.env),
    interactive: isInteractive(face),
    answers: answersFrom(args),
  });
  return await showRun(face, run, args, terminal);
}

/** What is typed before names are exchanged. */
function confirmationOf({ swap, database, into }: DumpRestoreInputs, settings: Settings): string {
  return `${swap?.name ?? database}@${serverOf(into, settings)}`;
}

async function filesInputsOf(args: Arguments, terminal: Terminal, settings: Settings): Promise<DumpFilesInputs> {
  const to = args.string("to");
  if (to === undefined)
    throw new PgrescueError("usage", "where shall the files go?", { next: "Name an empty directory with --to." });
  const { point, repository } = await findDump(args, terminal, settings);
  const source = args.string("source-database");
  return {
    method: "dump-as-files",
    cluster: point.cluster,
    repository: repository.name,
    point: point.id,
    systemIdentifier: point.systemIdentifier,
    directory: resolve(terminal.cwd, to),
    databases: source === undefined ? null : [await sourceOf(source, point, repository)],
  };
}

async function inputsOf(args: Arguments, terminal: Terminal, settings: Settings): Promise<DumpRestoreInputs> {
  const [into, database] = [args.string("into"), args.string("database")];
  if (into === undefined || database === undefined)
    throw new PgrescueError("usage", "where shall the dump go?", {
      next: "Say --into SERVER (a cluster of the configuration, or postgres://user@host:port/db) and --database NEW.",
    });
  refuseSecret(into, settings);
  const { point, repository } = await findDump(args, terminal, settings);
  const jobs = Number(args.string("jobs") ?? "1");
  if (!Number.isInteger(jobs) || jobs < 1 || jobs > 64)
    throw new PgrescueError("usage", `--jobs ${args.string("jobs")} is no number of sessions`, {
      next: "Give one from 1 to 64.",
    });
  const staging = args.string("staging");
  return {
    method: "dump-to-new-database",
    cluster: point.cluster,
    repository: repository.name,
    point: point.id,
    systemIdentifier: point.systemIdentifier,
    sourceDatabase: await sourceOf(args.string("source-database"), point, repository),
    into,
    database,
    schemas: args.strings("schema"),
    tables: args.strings("table"),
    jobs,
    staging: staging === undefined ? null : resolve(terminal.cwd, staging),
    owners: !args.flag("no-owner"),
    privileges: !args.flag("no-privileges"),
    binaries: settings.loaded.config.clusters[into]?.binaries ?? settings.cluster?.binaries ?? null,
    swap: swapOf(args.string("swap")),
  };
}

/** Under which name the old database is kept: one that says when it was exchanged, so that each exchange finds it free. */
function swapOf(name: string | undefined): DumpRestoreInputs["swap"] {
  if (name === undefined) return null;
  const moment = formatInstant(systemClock.now()).slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "_");
  const old = `${name}_before_${moment}`;
  if (Buffer.byteLength(old) > longestName)
    throw new PgrescueError("usage", `${name} cannot be exchanged: ${old} would be longer than ${longestName} bytes`, {
      next: "Restore without --swap, and give the two databases other names by hand: ALTER DATABASE ... RENAME TO ...",
    });
  return { name, old };
}

/** What is on a command line can be read by everybody on the host. */
function refuseSecret(into: string, settings: Settings): void {
  if (settings.loaded.config.clusters[into] !== undefined) return;
  if (!into.includes("://") && !into.includes("="))
    throw new PgrescueError("config", `no cluster ${into} in ${settings.loaded.file ?? "any configuration file"}`, {
      next: "Name a configured one, or write postgres://user@host:port/database.",
    });
  if (/^[a-z]+:\/\/[^/@]*:[^/@]*@/.test(into) || /(?:^|[\s?&])password=/.test(into))
    throw new PgrescueError("usage", "a password does not belong on a command line", {
      next: "Leave it out of --into: put it into ~/.pgpass (0600), or into PGPASSWORD.",
    });
}

async function findDump(
  args: Arguments,
  terminal: Terminal,
  settings: Settings,
): Promise<{ readonly point: RecoveryPoint; readonly repository: Repository }> {
  const asked = args.string("point");
  const source = args.string("source-database");
  let best: { readonly point: RecoveryPoint; readonly repository: Repository } | null = null;
  for (const repository of await openRepositories(settings, compose(settings, terminal.env))) {
    const filter = settings.clusterName === null ? {} : { cluster: settings.clusterName };
    for await (const point of repository.points(filter)) {
      const isBase = point.kind !== "dump";
      // Of a base backup what travels with it can be had as files.
      if (point.id === asked && isBase && args.string("method") === "dump-as-files") return { point, repository };
      if (point.id === asked && isBase)
        throw new PgrescueError("usage", `${asked} is a ${point.kind} backup, not a dump`, {
          next: "Restore it with --target-time and its like, or --immediate; or choose a dump from `pgrescue points`.",
        });
      if (point.kind !== "dump" || (asked !== undefined && point.id !== asked)) continue;
      if (asked === undefined && source !== undefined && point.databases?.includes(source) === false) continue;
      if (point.status !== "ok") {
        if (asked === undefined) continue;
        throw new PgrescueError("no-recovery-point", `${asked} is ${point.status}: ${point.reason ?? ""}`);
      }
      if (best === null || best.point.finishedAt < point.finishedAt) best = { point, repository };
    }
  }
  if (best !== null) return best;
  const missing = source === undefined ? "there is no dump" : `no dump has a database ${source}`;
  throw new PgrescueError("no-recovery-point", asked === undefined ? missing : `there is no dump ${asked}`, {
    next: "See `pgrescue points`; take one with `pgrescue backup --kind dump`.",
  });
}

/** The database of the dump that is meant: the one asked for, or the only one. */
async function sourceOf(asked: string | undefined, point: RecoveryPoint, repository: Repository): Promise<string> {
  const names = (await openDump(repository, point)).databases.map(({ name }) => name);
  const [first, ...others] = names;
  if (asked === undefined && first !== undefined && others.length === 0) return first;
  if (asked !== undefined && names.includes(asked)) return asked;
  throw new PgrescueError(
    "usage",
    asked === undefined ? `which database of ${point.id}?` : `${point.id} has no database ${asked}`,
    { next: `Name one with --source-database: ${names.join(", ")}.` },
  );
}

/** The host of the server, for the confirmation that is typed. */
function serverOf(into: string, settings: Settings): string {
  const connection = settings.loaded.config.clusters[into]?.connection;
  const url = connection === undefined ? into : (connection.url ?? "");
  const host = connection?.host ?? /@([^:/?,]+)/.exec(url)?.[1] ?? /(?:^|[\s?&])host=([^\s&,]+)/.exec(url)?.[1];
  const isHere = host === undefined || host.startsWith("/") || ["localhost", "127.0.0.1", "::1"].includes(host);
  return isHere ? hostname() : host;
}
