import { spawn, type ChildProcess } from "node:child_process";
import { constants } from "node:os";
import type { Program } from "../../adapters/system/program.ts";
import type { ScheduledWork } from "../../domain/schedule/entry.ts";
import type { Instant } from "../../domain/instant.ts";

/** Something to be done for a slot. */
export interface Job {
  readonly work: ScheduledWork;
  readonly slot: Instant;
}

/** How a job ended. */
export interface JobEnd extends Job {
  readonly exitCode: number;
  readonly seconds: number;
}

export interface JobsOptions {
  readonly program: Program;
  /** Options that every command gets: which configuration, which state directory. */
  readonly common: readonly string[];
  readonly env: { readonly [name: string]: string | undefined };
  readonly onStart: (job: Job) => void;
  readonly onEnd: (end: JobEnd) => void;
}

/**
 * Runs jobs as children of their own, those of one cluster one after the other. A crash in one cannot harm another, and each is
 * exactly what its command line would be by hand.
 */
export interface Jobs {
  /** False where the same work waits or runs already. */
  add(job: Job): boolean;
  /** Names of work that waits or runs. */
  busy(): ReadonlySet<string>;
  /** Resolves when nothing waits or runs. */
  idle(): Promise<void>;
  /** Takes what waits back, passes SIGTERM on to what runs, once, and waits for it. */
  stop(): Promise<void>;
}

export function createJobs(options: JobsOptions): Jobs {
  const queues = new Map<string, Job[]>();
  const running = new Map<string, { readonly job: Job; readonly child: ChildProcess }>();
  const waiters = new Set<() => void>();
  let isStopping = false;

  function next(cluster: string): void {
    const queue = queues.get(cluster) ?? [];
    const job = isStopping ? undefined : queue.shift();
    if (job === undefined) {
      if (running.size === 0) for (const done of waiters) done();
      return;
    }
    const began = performance.now();
    options.onStart(job);
    const child = start(job, options);
    running.set(cluster, { job, child });
    child.once("close", (code, signal) => {
      running.delete(cluster);
      const exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
      options.onEnd({ ...job, exitCode, seconds: (performance.now() - began) / 1000 });
      next(cluster);
    });
    // A program that cannot be started has no `close`.
    child.once("error", () => child.emit("close", 127, null));
  }

  return {
    add: (job) => {
      const { cluster } = job.work.entry;
      const queue = queues.get(cluster) ?? [];
      queues.set(cluster, queue);
      const isBusy = running.get(cluster)?.job.work.name === job.work.name;
      if (isStopping || isBusy || queue.some(({ work }) => work.name === job.work.name)) return false;
      queue.push(job);
      if (!running.has(cluster)) next(cluster);
      return true;
    },
    busy: () =>
      new Set([
        ...[...running.values()].map(({ job }) => job.work.name),
        ...[...queues.values()].flat().map(({ work }) => work.name),
      ]),
    idle,
    stop: async () => {
      if (!isStopping) for (const { child } of running.values()) child.kill("SIGTERM");
      isStopping = true;
      await idle();
    },
  };

  function idle(): Promise<void> {
    const isIdle = running.size === 0 && (isStopping || [...queues.values()].every((queue) => queue.length === 0));
    if (isIdle) return Promise.resolve();
    return new Promise((done) => waiters.add(done));
  }
}

function start({ work, slot }: Job, { program, common, env }: JobsOptions): ChildProcess {
  const words = [...work.command(slot), ...common, "--no-input", "--no-color"];
  // Its answer is for programs; its log is ours.
  return spawn(program.node, [program.script, ...words], { stdio: ["ignore", "ignore", "inherit"], env: { ...env } });
}
