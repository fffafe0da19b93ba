import { PgrescueError } from "../../domain/errors.ts";
import type { RecoveryInputs } from "../../domain/plan.ts";
import type { Sql } from "../../ports/sql.ts";
import type { StepContext } from "../step.ts";
import { refuseEscapes } from "./confinement.ts";
import { isConfigured } from "./fenced-configuration.ts";
import { installationFor, isOwnBeforeMove, ownConnection, ownServer } from "./own-server.ts";
import { isInPlace, majorOf, siteOf } from "./recovery-inputs.ts";

/** Settings for the command line: they beat every file, so that the fence holds whatever the configuration says. */
async function startSettings(inputs: RecoveryInputs, ctx: StepContext): Promise<{ readonly [name: string]: string }> {
  if (!isInPlace(inputs)) return {};
  const server = ownServer(inputs, ctx);
  const files = await ctx.world.postgres.configurationFiles(
    inputs.dataDirectory,
    majorOf(inputs),
    siteOf(inputs).configFile,
  );
  const outside = files !== null && !files.inDataDirectory ? { config_file: files.configFile } : {};
  return {
    ...outside,
    hba_file: server.hbaFile,
    ident_file: server.identFile,
    // The files name where the run's directory was when they were written.
    unix_socket_directories: server.socketDirectory,
  };
}

/** Whether the server that runs on the directory is the one that this run started, and can be reached where the run's directory is now. */
export async function ownServerRuns(inputs: RecoveryInputs, ctx: StepContext): Promise<boolean> {
  const { postmaster } = await ctx.world.postgres.inspect(inputs.dataDirectory);
  if (postmaster === null) return false;
  if (postmaster.socketDirectory === ownServer(inputs, ctx).socketDirectory) return true;
  if (isOwnBeforeMove(postmaster.socketDirectory, inputs, ctx)) return false;
  // A postmaster that has only begun has not written its socket directory yet.
  if (postmaster.socketDirectory === "" && (await isConfigured(inputs, ctx))) return true;
  throw new PgrescueError(
    "precondition-refused",
    `another server runs on ${inputs.dataDirectory}, pid ${postmaster.pid}`,
    {
      next: "Stop it through what manages it, then continue.",
    },
  );
}

/** Starts this run's own server; refuses where a link leads outside. Gives the log's size before. */
export async function startOwnServer(inputs: RecoveryInputs, ctx: StepContext): Promise<number> {
  const { files, postgres } = ctx.world;
  await refuseEscapes(inputs, ctx);
  await stopOwnServer(inputs, ctx);
  const server = ownServer(inputs, ctx);
  await files.makeDirectory(server.socketDirectory);
  await setStaleLocksAside(inputs, ctx);
  const offset = (await files.facts(server.logFile))?.size ?? 0;
  await ctx.command(
    postgres.startCommand({
      dataDirectory: inputs.dataDirectory,
      installation: await installationFor(inputs, ctx),
      settings: await startSettings(inputs, ctx),
      logFile: server.logFile,
    }),
  );
  return offset;
}

/** Milliseconds in which the processes of a killed postmaster notice and end. */
const orphanPatience = 15_000;

/**
 * PostgreSQL refuses to start while the number in postmaster.pid or in its socket's lock belongs to any process: one that was given the same
 * number after a reboot, or a dead one that nobody has waited for (containers whose first process does not).
 */
async function setStaleLocksAside(inputs: RecoveryInputs, ctx: StepContext): Promise<void> {
  const { files, postgres, clock } = ctx.world;
  const { dataDirectory } = inputs;
  const file = `${dataDirectory}/postmaster.pid`;
  const { socketDirectory, port } = ownServer(inputs, ctx);
  // The socket's lock has the same number in it. First, because the other one tells that there is something to do.
  const locks = [`${socketDirectory}/.s.PGSQL.${port}.lock`, file];
  const deadline = clock.monotonic() + orphanPatience;
  for (;;) {
    const { postmaster, stalePidFile } = await postgres.inspect(dataDirectory);
    if (stalePidFile) {
      for (const lock of locks)
        if ((await files.facts(lock)) !== null) await files.move(lock, `${lock}.stale-${clock.now()}`);
      return;
    }
    // Left to PostgreSQL, which refuses while an orphan has the old shared memory.
    if (postmaster !== null || (await files.facts(file)) === null || clock.monotonic() > deadline) return;
    await clock.sleep(200, ctx.signal);
  }
}

/** Stops this run's own server; nothing to do where it does not run. */
export async function stopOwnServer(inputs: RecoveryInputs, ctx: StepContext): Promise<void> {
  const { postmaster } = await ctx.world.postgres.inspect(inputs.dataDirectory);
  const isMoved = postmaster !== null && isOwnBeforeMove(postmaster.socketDirectory, inputs, ctx);
  if (!isMoved && !(await ownServerRuns(inputs, ctx))) return;
  const installation = await installationFor(inputs, ctx);
  await ctx.command(
    ctx.world.postgres.stopCommand({ dataDirectory: inputs.dataDirectory, installation, mode: "fast" }),
  );
}

/** A session in this run's own server, closed at the end of the scope of `use`. */
export async function withOwnSession<T>(
  inputs: RecoveryInputs,
  ctx: StepContext,
  use: (sql: Sql) => Promise<T>,
  database?: string,
): Promise<T> {
  const sql = await ctx.world.sql.connect(ownConnection(inputs, ownServer(inputs, ctx), database));
  try {
    return await use(sql);
  } finally {
    await sql.close();
  }
}

/** Whether the server is still in recovery, and whether replay is paused. */
export async function recoveryState(sql: Sql, inputs: RecoveryInputs): Promise<"replaying" | "paused" | "promoted"> {
  const paused = majorOf(inputs) >= 14 ? "pg_get_wal_replay_pause_state() = 'paused'" : "pg_is_wal_replay_paused()";
  const [row] = await sql.query<{ recovering: boolean; paused: boolean }>(
    `select pg_is_in_recovery() as recovering, case when pg_is_in_recovery() then ${paused} else false end as paused`,
  );
  if (row?.recovering !== true) return "promoted";
  return row.paused ? "paused" : "replaying";
}
