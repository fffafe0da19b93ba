import { cp, mkdir, rename } from "node:fs/promises";
import { basename, join } from "node:path";
import { runFiles, runsDirectory } from "../../adapters/journal/run-directory.ts";
import { connectToRunner } from "../../adapters/system/runner-socket.ts";
import { syncDirectory } from "../../adapters/system/durable-file.ts";
import { PgrescueError } from "../../domain/errors.ts";
import type { Arguments, Terminal } from "../command.ts";
import { openSettings, type Settings } from "../settings.ts";
import { findRun, openRunRecord, type FoundRun } from "./find-run.ts";

/**
 * The run that the command line means. With --state-dir, a run that is not there but in the usual state directory (whose
 * disk is full, say) is moved there.
 */
export async function findOrMoveRun(args: Arguments, terminal: Terminal, settings: Settings): Promise<FoundRun> {
  const [part] = args.positionals;
  try {
    return await findRun(settings.stateDirectory, part);
  } catch (error) {
    if (!(error instanceof PgrescueError) || error.code !== "usage" || args.string("state-dir") === undefined)
      throw error;
    const usual = await openSettings(
      { ...args, string: (name) => (name === "state-dir" ? undefined : args.string(name)) },
      terminal,
    );
    if (usual.stateDirectory === settings.stateDirectory) throw error;
    const found = await findRun(usual.stateDirectory, part).catch(() => {
      throw error;
    });
    terminal.log(`moving ${found.id} from ${usual.stateDirectory} to ${settings.stateDirectory}`);
    return moveRun(found, settings.stateDirectory);
  }
}

/**
 * Copies a run's directory to another state directory and renames the old one to `<id>.moved`, so that nobody goes on
 * there. Throws `locked` while a runner works on it.
 */
export async function moveRun(run: FoundRun, stateDirectory: string): Promise<FoundRun> {
  const connection = await connectToRunner(run.directory);
  if (connection !== null) {
    connection.close();
    throw new PgrescueError("locked", `a runner works on ${run.id}`, {
      next: `Join it with \`pgrescue attach ${run.id}\`.`,
    });
  }
  const runs = runsDirectory(stateDirectory);
  await mkdir(runs, { recursive: true, mode: 0o700 });
  const left = new Set<string>([runFiles.socket, runFiles.log, `${runFiles.journal}.reserve`]);
  const staging = join(runs, `.${run.id}.new`);
  await cp(run.directory, staging, {
    recursive: true,
    preserveTimestamps: true,
    // A server of the run may still be up, with its socket and lock file in here; what continues the run starts it again.
    filter: (source) => !left.has(basename(source)) && !basename(source).startsWith(".s.PGSQL."),
  });
  await rename(staging, join(runs, run.id));
  await syncDirectory(runs);
  await rename(run.directory, `${run.directory}.moved`);
  return openRunRecord(stateDirectory, run.id);
}
