import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { commandLineOf } from "./postmaster.ts";

/** Whether Patroni has its hand on a data directory. `was`: it did once, and does not run here now. */
export interface Patroni {
  readonly state: "none" | "was" | "paused" | "manages";
}

/**
 * Looks for a running Patroni whose configuration names this directory (or whose directory this was: it keeps
 * patroni.dynamic.json there, its copy of the cluster's dynamic configuration, `pause` included).
 */
export async function readPatroni(dataDirectory: string): Promise<Patroni> {
  const dynamic = await readFile(join(dataDirectory, "patroni.dynamic.json"), "utf8").catch(() => null);
  const running = await runningFor(dataDirectory, dynamic !== null);
  if (!running) return { state: dynamic === null ? "none" : "was" };
  return { state: dynamic !== null && isPaused(dynamic) ? "paused" : "manages" };
}

async function runningFor(dataDirectory: string, wasHere: boolean): Promise<boolean> {
  for (const name of await readdir("/proc").catch(() => [])) {
    if (!/^\d+$/.test(name)) continue;
    const argv = await commandLineOf(Number(name));
    const at = argv.findIndex((argument, i) => i < 3 && basename(argument) === "patroni");
    if (at === -1) continue;
    if (wasHere) return true;
    for (const file of argv.slice(at + 1).filter((argument) => /\.ya?ml$/.test(argument))) {
      const text = await readFile(file, "utf8").catch(() => "");
      if (text.includes(dataDirectory)) return true;
    }
  }
  return false;
}

function isPaused(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && "pause" in value && value.pause === true;
  } catch {
    return false;
  }
}
