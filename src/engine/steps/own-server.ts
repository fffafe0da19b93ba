import type { RecoveryInputs } from "../../domain/plan.ts";
import type { ConnectionTarget } from "../../ports/sql.ts";
import type { Installation } from "../../ports/postgres.ts";
import type { StepContext } from "../step.ts";
import { isInPlace, majorOf, siteOf } from "./recovery-inputs.ts";

/** The server that this run starts for itself, which nobody but us can reach: its files, socket and port. */
export interface OwnServer {
  readonly dataDirectory: string;
  readonly socketDirectory: string;
  readonly port: number;
  readonly hbaFile: string;
  readonly identFile: string;
  readonly logFile: string;
  readonly clusterName: string;
}

/** Longest path of a UNIX socket that Linux takes, without the closing zero. */
const socketPathLimit = 107;

/**
 * A scratch server's files are its own; a fenced one in production's place keeps production's configuration files and
 * gets hba, ident and socket in the run's directory.
 */
export function ownServer(inputs: RecoveryInputs, ctx: Pick<StepContext, "directory" | "run">): OwnServer {
  const inPlace = isInPlace(inputs);
  const files = inPlace ? ctx.directory : inputs.dataDirectory;
  return {
    dataDirectory: inputs.dataDirectory,
    socketDirectory: shortEnough(inPlace ? `${ctx.directory}/socket` : inputs.socketDirectory, inputs.port, ctx.run),
    port: inputs.port,
    hbaFile: `${files}/pg_hba.conf`,
    identFile: `${files}/pg_ident.conf`,
    logFile: `${ctx.directory}/server.log`,
    clusterName: `pgrescue-${inputs.cluster}`,
  };
}

/**
 * Whether a server's socket directory is that of this run's own server from before the run's directory was moved (to
 * another disk, when its own was full): the server is ours, but cannot be reached any more.
 */
export function isOwnBeforeMove(
  socketDirectory: string,
  inputs: RecoveryInputs,
  ctx: Pick<StepContext, "directory" | "run">,
): boolean {
  if (!isInPlace(inputs) || socketDirectory === ownServer(inputs, ctx).socketDirectory) return false;
  return socketDirectory.endsWith(`/${ctx.run}/socket`) || socketDirectory === shortDirectory(ctx.run);
}

function shortDirectory(run: string): string {
  return `/tmp/pgrescue-${run}`;
}

function shortEnough(directory: string, port: number, run: string): string {
  return `${directory}/.s.PGSQL.${port}`.length <= socketPathLimit ? directory : shortDirectory(run);
}

/** A session in that server as the superuser. */
export function ownConnection(inputs: RecoveryInputs, server: OwnServer, database?: string): ConnectionTarget {
  const site = siteOf(inputs);
  return {
    host: server.socketDirectory,
    port: server.port,
    user: site.superuser ?? "postgres",
    database: database ?? site.database ?? "postgres",
    tls: { mode: "disable" },
    applicationName: "pgrescue",
    connectTimeoutSeconds: 10,
  };
}

/** PostgreSQL's programs of the point's major version. */
export function installationFor(inputs: RecoveryInputs, ctx: StepContext): Promise<Installation> {
  return ctx.world.postgres.installation(majorOf(inputs), siteOf(inputs).binaries);
}
