import { systemClock } from "../adapters/system/clock.ts";
import { acquireLock, type HeldLock } from "../adapters/system/lock.ts";
import { thisProgram } from "../adapters/system/program.ts";
import { compose } from "../compose.ts";
import { PgrescueError } from "../domain/errors.ts";
import { formatInstant } from "../domain/instant.ts";
import { metricsText, type Family } from "../domain/metrics.ts";
import { workOf, type ScheduledWork } from "../domain/schedule/entry.ts";
import { runAsOwner } from "./as-owner.ts";
import type { Arguments, Command, Terminal } from "./command.ts";
import { collectMetrics } from "./metrics.ts";
import { currentActor } from "./run/actor.ts";
import { createJobs, type Jobs } from "./schedule/jobs.ts";
import { listen } from "./schedule/listen.ts";
import { eventDocument, eventLine, Scheduler, type ScheduleEvent } from "./schedule/scheduler.ts";
import { wasDone } from "./schedule/was-done.ts";
import { openSettings, type Settings } from "./settings.ts";

export const command: Command = {
  summary: "the scheduler, in the foreground: runs what `schedule` in the configuration says",
  usage: "schedule [--once] [--listen HOST:PORT]",
  description:
    "Starts each entry's command when it is due, those of one cluster one after the other, and catches up what was\nmissed. SIGTERM is passed on to what runs, which is stopped so that it can be continued, and waited for. Exit\ncodes: 0 when it was told to stop; with --once that of the first work that failed; 11 where another one runs.",
  options: {
    once: { type: "boolean", summary: "catch up what was missed, then end" },
    listen: { type: "string", value: "HOST:PORT", summary: "serve /healthz and /metrics there" },
    "dry-run": { type: "boolean", summary: "show what would run when; start nothing" },
  },
  examples: [
    "pgrescue schedule                             # under systemd, or as a container's only process",
    "pgrescue schedule --listen 127.0.0.1:9187     # with numbers for Prometheus",
    "pgrescue schedule --once                      # from cron: whatever was missed since the last time",
  ],
  run: async (args, terminal) => {
    const settings = await openSettings(args, terminal);
    const work = readWork(settings, terminal);
    const code = await runAsOwner("schedule", args, settings, terminal);
    if (code !== null) return code;
    if (args.flag("dry-run")) return dryRun(work, args, terminal);
    const lock = await lockSchedule(settings, terminal);
    try {
      return await serve(work, settings, args, terminal);
    } finally {
      await lock.release();
    }
  },
};

/** The entries of the clusters that are meant. Throws `config` where there are none. */
function readWork(settings: Settings, terminal: Terminal): readonly ScheduledWork[] {
  const { schedule, clusters } = settings.loaded.config;
  const asked = settings.clusterName !== null && Object.keys(clusters).length > 1 ? settings.clusterName : null;
  const { work, unable } = workOf(schedule.filter(({ cluster }) => asked === null || cluster === asked));
  for (const text of unable) terminal.log(`[WARN] ${text}: the entry is left out`);
  if (work.length > 0) return work;
  throw new PgrescueError("config", `no schedule in ${settings.loaded.file ?? "any configuration file"}`, {
    next: 'Add `schedule: [{cluster: shop, backup: base, at: "0 1 * * *"}]`.',
  });
}

function dryRun(work: readonly ScheduledWork[], args: Arguments, terminal: Terminal): number {
  const states = plain(work);
  if (args.flag("json")) terminal.print(JSON.stringify({ schema: "pgrescue.schedule/v1", entries: states }));
  else
    for (const { name, words, next, command: words2 } of states)
      terminal.print(`${name}: ${words}, next ${next?.slice(0, 19) ?? "never"}Z\n    $ pgrescue ${words2.join(" ")}`);
  return 0;
}

function plain(work: readonly ScheduledWork[]) {
  const scheduler = new Scheduler({ ...nothing, work, clock: systemClock });
  return scheduler.states().map(({ name, words, next }, at) => ({
    name,
    words,
    next: next === null ? null : formatInstant(next),
    command: work[at]?.command(next) ?? [],
  }));
}

const idle: Jobs = {
  add: () => true,
  busy: () => new Set(),
  idle: () => Promise.resolve(),
  stop: () => Promise.resolve(),
};
const nothing = { jobs: idle, say: () => undefined, wasDone: () => Promise.resolve(true), random: () => 0 };

/** One scheduler works from a state directory: two would do everything twice. */
async function lockSchedule(settings: Settings, terminal: Terminal): Promise<HeldLock> {
  const { user } = await currentActor(terminal.env);
  const since = formatInstant(systemClock.now());
  const { stateDirectory } = settings;
  try {
    const place = { systemIdentifier: "schedule", dataDirectory: stateDirectory, stateDirectory };
    return await acquireLock({ ...place, run: "schedule", user, since });
  } catch (error) {
    if (!(error instanceof PgrescueError) || error.code !== "locked") throw error;
    throw new PgrescueError("locked", `a scheduler works from ${stateDirectory} already`, {
      next: "Stop that one first; another configuration needs another --state-dir.",
      cause: error,
    });
  }
}

async function serve(
  work: readonly ScheduledWork[],
  settings: Settings,
  args: Arguments,
  terminal: Terminal,
): Promise<number> {
  const say = (event: ScheduleEvent): void => {
    if (args.flag("json")) terminal.print(JSON.stringify(eventDocument(event)));
    else if (!args.flag("quiet") || event.event === "skipped" || (event.event === "ended" && event.exitCode !== 0))
      terminal.log(`${formatInstant(systemClock.now()).slice(0, 19)}Z ${eventLine(event)}`);
  };
  let failed = 0;
  const jobs = createJobs({
    program: thisProgram(),
    common: commonOptions(settings, args),
    env: terminal.env,
    onStart: ({ work: { name, words }, slot }) => say({ event: "started", entry: name, slot, words }),
    onEnd: (end) => {
      scheduler.ended(end);
      // The first failure counts; a job that was stopped with us has not failed.
      if (failed === 0 && !isStopping) failed = end.exitCode;
      const { slot, exitCode, seconds } = end;
      say({ event: "ended", entry: end.work.name, slot, exitCode, seconds });
    },
  });
  const world = compose(settings, terminal.env);
  const scheduler = new Scheduler({
    work,
    clock: systemClock,
    jobs,
    say,
    wasDone: (one, slot) => wasDone(one, slot, settings, world, terminal),
    random: Math.random,
  });
  let isStopping = false;
  const stopped = Promise.withResolvers<void>();
  const stop = (): void => {
    isStopping = true;
    scheduler.stop();
    // At once, whatever else is being waited for.
    void jobs.stop();
    stopped.resolve();
  };
  process.on("SIGTERM", stop).on("SIGINT", stop);
  const address = args.string("listen");
  const server =
    address === undefined
      ? null
      : await listen(address, {
          health: () => ({
            isAlive: scheduler.isAlive(),
            document: { schema: "pgrescue.schedule/v1", entries: scheduler.states().map(stateDocument) },
          }),
          metrics: cached(async () => {
            const own = metricsText(scheduleFamilies(scheduler, jobs)).replace("# EOF\n", "");
            return own + (await collectMetrics(settings, terminal)).text;
          }),
        });
  try {
    const working = args.flag("once") ? null : scheduler.run();
    // A store that does not answer must not keep it from being stopped.
    await Promise.race([scheduler.catchUp(), stopped.promise]);
    if (working === null) await Promise.race([jobs.idle(), stopped.promise]);
    else await working;
    await jobs.stop();
    const code = args.flag("once") ? failed : 0;
    // A question that its store never answers would keep the process: with everything stopped it may go.
    // oxlint-disable-next-line unicorn/no-process-exit
    if (isStopping) setTimeout(() => process.exit(code), 1000).unref();
    return code;
  } finally {
    process.off("SIGTERM", stop).off("SIGINT", stop);
    server?.close();
    server?.closeAllConnections();
  }
}

/** What every command is told besides: the same configuration, state and keys that this process works with. */
function commonOptions(settings: Settings, args: Arguments): readonly string[] {
  const identity = args.string("identity");
  return [
    ...(settings.loaded.file === null ? [] : ["--config", settings.loaded.file]),
    ...(settings.isStateDefault === true ? [] : ["--state-dir", settings.stateDirectory]),
    ...(identity === undefined ? [] : ["--identity", identity]),
  ];
}

function stateDocument({ name, words, next, last }: ReturnType<Scheduler["states"]>[number]): object {
  return {
    name,
    words,
    next: next === null ? null : formatInstant(next),
    last: last === null ? null : { slot: formatInstant(last.slot), exitCode: last.exitCode },
  };
}

function scheduleFamilies(scheduler: Scheduler, jobs: Jobs): readonly Family[] {
  const states = scheduler.states();
  const busy = jobs.busy();
  const family = (name: string, help: string, of: (state: (typeof states)[number]) => number | null): Family => ({
    name: `pgrescue_schedule_${name}`,
    help,
    samples: states.flatMap((state) => {
      const value = of(state);
      return value === null ? [] : [{ labels: { entry: state.name }, value }];
    }),
  });
  return [
    family("next_timestamp_seconds", "When the entry is due next.", ({ next }) =>
      next === null ? null : Number(next) / 1e6,
    ),
    family("last_exit_code", "How the entry's last work ended.", ({ last }) => last?.exitCode ?? null),
    family("busy", "Whether the entry's work runs or waits.", ({ name }) => (busy.has(name) ? 1 : 0)),
  ];
}

/** Repositories are listed once a minute at most, however often somebody asks. */
function cached(collect: () => Promise<string>): () => Promise<string> {
  let text: Promise<string> | null = null;
  let until = 0;
  return () => {
    const now = systemClock.monotonic();
    if (text === null || now >= until) {
      until = now + 60_000;
      text = collect();
      text.catch(() => (text = null));
    }
    return text;
  };
}
