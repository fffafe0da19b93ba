import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findPostmaster } from "../../src/adapters/postgres/postmaster.ts";
import type { RunFact } from "../../src/domain/run/events.ts";
import type { Journal } from "../../src/ports/journal.ts";

/** What a journal throws on a machine whose power is gone. */
export class PowerCut extends Error {}

/** Cuts the power at every boundary of a run's steps, once at each, over as many attempts as that takes. */
export interface Cuts {
  /** Where the power went so far, in order: "start replay" is right before the line that says so. */
  readonly places: readonly string[];
  /** A journal for the next attempt: it dies at the first boundary where the power has not gone yet. */
  wrap(journal: Journal): Journal;
}

/** Cuts at every boundary, or only at those that `here` chooses. */
export function cutAtBoundaries(here: (place: string) => boolean = () => true): Cuts {
  const places: string[] = [];
  return {
    places,
    wrap: (journal) => {
      let isDead = false;
      return {
        ...journal,
        append: async (fact) => {
          const place = boundary(fact);
          if (!isDead && place !== null && !places.includes(place) && here(place)) {
            isDead = true;
            places.push(place);
          }
          if (isDead) throw new PowerCut(`the power went before: ${place ?? fact.event}`);
          return journal.append(fact);
        },
      };
    },
  };
}

/** What a boundary is called; null for every line that is none. */
function boundary(fact: RunFact): string | null {
  if (fact.event === "step-started") return `start ${fact.step}`;
  if (fact.event === "step-finished") return `finish ${fact.step}`;
  if (fact.event === "undo-started") return `start undo ${fact.step}`;
  if (fact.event === "step-undone") return `finish undo ${fact.step}`;
  return null;
}

/** Ends the server on a data directory as a power cut does: no process of it says goodbye. False where none runs. */
export async function killServer(dataDirectory: string): Promise<boolean> {
  const postmaster = await findPostmaster(dataDirectory);
  if (postmaster === null) return false;
  const pids = [postmaster.pid, ...(await childrenOf(postmaster.pid))];
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // Already gone by itself.
    }
  }
  for (const pid of pids) while (await isAlive(pid)) await delay(10);
  // After a boot the number is nobody's; here it is a zombie's until the container's init, slow perhaps, takes it away.
  const { socketDirectory, port } = postmaster;
  for (const file of [join(dataDirectory, "postmaster.pid"), join(socketDirectory, `.s.PGSQL.${port}.lock`)])
    await writeFile(file, (await readFile(file, "utf8")).replace(/^\d+/, String(nobodysPid)));
  return true;
}

/** A process number that Linux never gives: the highest that it may is one less. */
const nobodysPid = 4_194_304;

async function childrenOf(parent: number): Promise<readonly number[]> {
  const pids = (await readdir("/proc")).map(Number).filter((pid) => pid > 0);
  const states = await Promise.all(pids.map(stateOf));
  return pids.filter((_, at) => states[at]?.parent === parent);
}

async function isAlive(pid: number): Promise<boolean> {
  const found = await stateOf(pid);
  return found !== null && found.state !== "Z" && found.state !== "X";
}

/** A process as the kernel tells of it; null where it is gone. */
async function stateOf(pid: number): Promise<{ readonly state: string; readonly parent: number } | null> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  if (text === null) return null;
  const [state = "", parent] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { state, parent: Number(parent) };
}
