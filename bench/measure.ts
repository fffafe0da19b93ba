import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { OsUser } from "../src/ports/shell.ts";

/** What one command cost, the processes that it started included. */
export interface Measured {
  readonly seconds: number;
  /** User and system time of all its processes, as last seen; 0 where nobody looked. */
  readonly cpu: number;
  /** Peak resident memory (VmHWM) of its largest process in bytes; 0 where nobody looked. */
  readonly peak: number;
}

export interface MeasureOptions {
  readonly user: OsUser | undefined;
  readonly home: string;
  readonly cwd?: string;
  /** Added to the plain environment. */
  readonly env?: { readonly [name: string]: string };
  /** Looks at all processes while it runs; off for commands of milliseconds, which that would slow down. */
  readonly watch?: boolean;
  /** Exit codes that count as success; 0 alone unless it is given. */
  readonly exits?: readonly number[];
}

/** The environment variable that marks a measured command and everything it starts, detached processes too. */
const mark = "PGRESCUE_BENCH_MARK";

const watchEveryMilliseconds = 50;

/** CPU time in /proc is counted in hundredths of a second on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** Runs a command to its end, as the server's user. Throws with its last words when it fails. */
export async function measure(argv: readonly string[], options: MeasureOptions): Promise<Measured> {
  const { user, home, cwd = "/", watch = true, exits = [0] } = options;
  const [file = "", ...args] = argv;
  const sign = randomBytes(8).toString("hex");
  const env = { ...plainEnvironment(home), ...options.env, [mark]: sign };
  const started = performance.now();
  const child = spawn(file, args, {
    stdio: ["ignore", "ignore", "pipe"],
    env,
    cwd,
    ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4000)));
  const processes = watch ? watchProcesses(`${mark}=${sign}`) : null;
  const exit = await new Promise<number | null>((done, fail) => child.once("error", fail).once("exit", done));
  const seconds = (performance.now() - started) / 1000;
  const seen = processes?.end() ?? { cpu: 0, peak: 0 };
  if (exit === null || !exits.includes(exit)) throw new Error(`${argv.join(" ")} exited ${exit}: ${errors}`);
  return { seconds, ...seen };
}

/** What a command sees of our environment: nobody's configuration, the same on every machine. */
export function plainEnvironment(home: string): Record<string, string> {
  return { PATH: process.env["PATH"] ?? "", HOME: home, LANG: "C.UTF-8", TERM: "xterm-256color" };
}

function watchProcesses(sign: string): { end(): { readonly cpu: number; readonly peak: number } } {
  const ours = new Map<number, { cpu: number; peak: number }>();
  const others = new Set<number>();
  const look = (): void => {
    for (const name of readdirSync("/proc")) {
      const pid = Number(name);
      if (!Number.isInteger(pid) || others.has(pid)) continue;
      if (!ours.has(pid)) {
        const environment = read(pid, "environ");
        // Empty while the process is being made.
        if (environment !== "" && !environment.includes(sign)) others.add(pid);
        if (!environment.includes(sign)) continue;
      }
      const status = read(pid, "status");
      const peak = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
      const fields = read(pid, "stat")
        .replace(/^.*\) /s, "")
        .split(" ");
      const cpu = (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / ticksPerSecond;
      const before = ours.get(pid) ?? { cpu: 0, peak: 0 };
      ours.set(pid, { cpu: Math.max(before.cpu, cpu), peak: Math.max(before.peak, peak) });
    }
  };
  const timer = setInterval(look, watchEveryMilliseconds);
  return {
    end: () => {
      clearInterval(timer);
      const all = [...ours.values()];
      return { cpu: all.reduce((sum, p) => sum + p.cpu, 0), peak: Math.max(0, ...all.map((p) => p.peak)) };
    },
  };
}

function read(pid: number, what: string): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, "utf8");
  } catch {
    return "";
  }
}
