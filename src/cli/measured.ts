import { hostname } from "node:os";
import { join } from "node:path";
import { listRuns, readSpec, runsDirectory } from "../adapters/journal/run-directory.ts";
import { newestSpeeds } from "../domain/measured.ts";
import type { Speeds } from "../domain/methods/method.ts";
import { rehearsalOf, type Rehearsal } from "../domain/rehearsal.ts";
import { openRunRecord } from "./run/find-run.ts";

/** How many journals of recoveries are read back, and how many runs are looked at for them. */
const mostJournals = 100;
const mostRuns = 2000;

/**
 * The recoveries and restoring verifications that ended well on this host, newest first. null where the state directory
 * may not be read: then nothing is known, which is not "never".
 */
export async function rehearsalsHere(stateDirectory: string): Promise<readonly Rehearsal[] | null> {
  try {
    const all: Rehearsal[] = [];
    for await (const rehearsal of eachRehearsal(stateDirectory)) all.push(rehearsal);
    return all;
  } catch {
    return null;
  }
}

/** The speeds that were measured last on this host; both null where none was, or where that cannot be read. */
export async function measuredSpeeds(stateDirectory: string): Promise<Speeds> {
  const read: Rehearsal[] = [];
  try {
    for await (const rehearsal of eachRehearsal(stateDirectory)) {
      read.push(rehearsal);
      const { restore, replay } = newestSpeeds(read);
      if (restore !== null && replay !== null) break;
    }
  } catch {
    // An estimate is not worth failing for.
  }
  return newestSpeeds(read);
}

/** One journal at a time: each may be large. A run that cannot be read is left out; throws where the list of runs cannot be. */
async function* eachRehearsal(stateDirectory: string): AsyncGenerator<Rehearsal> {
  let journals = 0;
  for (const id of (await listRuns(stateDirectory)).slice(0, mostRuns)) {
    const spec = await readSpec(join(runsDirectory(stateDirectory), id)).catch(() => null);
    // Backups are many and tell nothing of restores.
    if (spec === null || spec.kind === "backup") continue;
    if (++journals > mostJournals) return;
    const run = await openRunRecord(stateDirectory, id).catch(() => null);
    const rehearsal = run === null ? null : rehearsalOf(run.state, hostname());
    if (rehearsal !== null) yield rehearsal;
  }
}
