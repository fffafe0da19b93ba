import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { connectToRunner } from "../../adapters/system/runner-socket.ts";
import type { AttachedRun } from "./attach-run.ts";
import { openRunRecord } from "./find-run.ts";

/** The exit code of somebody who stops watching a run: the run's where it has ended, 0 while a runner is at work on it, 40 where it was cut off. */
export async function exitCodeNow(run: Pick<AttachedRun, "id" | "directory">): Promise<number> {
  const told = await outcomeCode(run);
  if (told !== null) return told;
  // In this order: a runner that ends in between has written its outcome by the time the journal is read again.
  const isAtWork = await hasRunner(run.directory);
  return (await outcomeCode(run)) ?? (isAtWork ? 0 : 40);
}

/** The exit code that the journal tells; null while the run has not ended. */
async function outcomeCode({ id, directory }: Pick<AttachedRun, "id" | "directory">): Promise<number | null> {
  const { state } = await openRunRecord(join(directory, "..", ".."), id);
  return state.outcome?.exitCode ?? null;
}

/** How long a runner may take to say something; one that is stopped or swamped is still there. */
const patience = 5000;

/**
 * Whether a runner works in a run directory now: it says something. That it lets itself be connected to proves nothing, since
 * the socket of a process that is being killed takes connections until the very end.
 */
async function hasRunner(runDirectory: string): Promise<boolean> {
  const connection = await connectToRunner(runDirectory).catch(() => null);
  if (connection === null) return false;
  const values = connection.values()[Symbol.asyncIterator]();
  const silence = delay(patience, "silent" as const, { ref: false });
  try {
    const first = await Promise.race([values.next(), silence]);
    return first === "silent" || first.done !== true;
  } finally {
    connection.close();
  }
}
