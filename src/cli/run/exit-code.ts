import { join } from "node:path";
import { connectToRunner } from "../../adapters/system/runner-socket.ts";
import type { AttachedRun } from "./attach-run.ts";
import { openRunRecord } from "./find-run.ts";

/** The exit code of somebody who stops watching a run: the run's where it has ended, 0 while a runner is at work on it, 40 where it was cut off. */
export async function exitCodeNow(run: Pick<AttachedRun, "id" | "directory">): Promise<number> {
  // In this order: a runner that ends in between has written its outcome by the time the journal is read.
  const isAtWork = await hasRunner(run.directory);
  const { state } = await openRunRecord(join(run.directory, "..", ".."), run.id);
  return state.outcome?.exitCode ?? (isAtWork ? 0 : 40);
}

/** Whether a runner works in a run directory now. */
async function hasRunner(runDirectory: string): Promise<boolean> {
  const connection = await connectToRunner(runDirectory).catch(() => null);
  connection?.close();
  return connection !== null;
}
