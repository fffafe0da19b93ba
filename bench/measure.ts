import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { asUser } from "../src/adapters/system/exec.ts";
import type { OsUser } from "../src/ports/shell.ts";

export interface Measured {
  readonly seconds: number;
  /** Peak resident memory of the process itself (VmHWM), bytes; 0 where it ended before it could be read. */
  readonly peak: number;
}

/** Runs a command as the server's user and measures wall time and peak memory; throws when it fails. */
export async function measure(argv: readonly string[], user: OsUser | undefined, env: Record<string, string> = {}, cwd = "/"): Promise<Measured> {
  const [file = "", ...args] = asUser(argv, user);
  const started = performance.now();
  const child = spawn(file, args, { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, ...env }, cwd });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4000)));
  let peak = 0;
  const watch = setInterval(() => {
    peak = Math.max(peak, highWater(child.pid));
  }, 20);
  const exit = await new Promise<number | null>((done, fail) => child.once("error", fail).once("close", done));
  clearInterval(watch);
  if (exit !== 0) throw new Error(`${argv.join(" ")} exited ${exit}: ${errors}`);
  return { seconds: (performance.now() - started) / 1000, peak };
}

/** The median of several runs; `prepare` is not measured. */
export async function repeated(times: number, prepare: (round: number) => Promise<void>, work: (round: number) => Promise<Measured>): Promise<Measured> {
  const all: Measured[] = [];
  for (let round = 0; round < times; round++) {
    await prepare(round);
    all.push(await work(round));
  }
  all.sort((a, b) => a.seconds - b.seconds);
  return { seconds: all[Math.floor(all.length / 2)]?.seconds ?? 0, peak: Math.max(...all.map((m) => m.peak)) };
}

function highWater(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
