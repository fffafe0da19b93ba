import type { Composition } from "../../compose.ts";
import { PgrescueError } from "../../domain/errors.ts";
import { judgeLease, leasedRepositories, stalePeriods } from "../../domain/lease.ts";
import { formatDuration, parseDuration } from "../../domain/quantity.ts";
import type { RunSpec } from "../../domain/run/spec.ts";
import { isLocked, leaseTaken } from "../../engine/lease/errors.ts";
import { createLeaseWatch, type LeaseWatch } from "../../engine/lease/watch.ts";
import type { SeenLease } from "../../ports/leasing.ts";
import type { Arguments, OptionSpecs, Terminal } from "../command.ts";
import { holderIsGone } from "./run-leases.ts";

/** Options of every command that works in a repository under its lock. */
export const lockOptions = {
  "lock-wait": {
    type: "string",
    value: "DURATION",
    summary: "how long to wait where another run has the repository (default 0s)",
  },
  "if-locked": {
    type: "string",
    choices: ["fail", "skip"],
    summary: "where it is not to be had: exit code 11, or do nothing and exit 0 (default fail)",
  },
} as const satisfies OptionSpecs;

/** Milliseconds between two looks at a lease that is waited for. */
const pause = 500;

/** Seconds in which a run that has just said that it ended gives its lease back: always waited for. */
const goodbye = 5;

/**
 * Starts a run when the repositories that it writes to are free; waits for them as long as the command line says. Null
 * where they were not and the command line says to skip it, which is said. Throws `locked`.
 */
export async function startWhenFree<T>(
  spec: RunSpec,
  world: Composition,
  args: Arguments,
  terminal: Terminal,
  start: () => Promise<T>,
): Promise<T | null> {
  const until = world.clock.monotonic() + Math.max(goodbye, waitOf(args)) * 1000;
  const watch = createLeaseWatch(world.clock);
  for (let looks = 0; ; looks++) {
    const obstacle = (await findTaken(spec, world, watch)) ?? (await startOr(start));
    if ("started" in obstacle) return obstacle.started;
    const { error, holder } = obstacle;
    const left = until - world.clock.monotonic();
    // Dead at the first look: it may have freed the lease and ended between our two questions.
    if (left > 0 && (holder !== "dead" || looks === 0)) {
      if (looks === 0 && args.string("lock-wait") !== undefined)
        terminal.log(`waiting up to ${args.string("lock-wait") ?? ""}: ${error.message}`);
      await world.clock.sleep(Math.min(pause, left));
      continue;
    }
    // What a dead run has left would be skipped every night, and nobody would notice.
    if (args.string("if-locked") !== "skip" || holder !== "alive") throw error;
    skip(spec, error, args, terminal);
    return null;
  }
}

/** Why a run cannot start, and what is known of whoever is in its way; `dead` where waiting is of no use. */
interface Obstacle {
  readonly error: PgrescueError;
  readonly holder: "alive" | "unknown" | "dead";
}

/** Somebody may have been faster: then the run's own process says so. */
async function startOr<T>(start: () => Promise<T>): Promise<Obstacle | { readonly started: T }> {
  try {
    return { started: await start() };
  } catch (error) {
    if (!isLocked(error)) throw error;
    return { error, holder: "alive" };
  }
}

function waitOf(args: Arguments): number {
  const text = args.string("lock-wait") ?? "0s";
  const seconds = parseDuration(text);
  if (seconds === null)
    throw new PgrescueError("usage", `--lock-wait ${text} is not a duration`, { next: "Write it like 30s, 10m, 2h." });
  return seconds;
}

/** The lease that is in the way. What cannot be looked at now is the run's to find out. */
async function findTaken(spec: RunSpec, world: Composition, watch: LeaseWatch): Promise<Obstacle | null> {
  for (const name of leasedRepositories(spec.kind, spec.inputs)) {
    const seen = await look(world, name, spec.cluster);
    if (seen?.lease == null || seen.lease.holder.run === spec.run) continue;
    const unchanged = watch.saw(name, seen);
    const judgement = judgeLease(seen.lease, world.clock.now(), await holderIsGone(seen.lease.holder));
    if (judgement.state !== "dead" && unchanged >= stalePeriods * seen.lease.periodSeconds * 1000) {
      const evidence = `not renewed in the ${formatDuration(unchanged / 1000)} for which this command has watched it`;
      return { error: leaseTaken(name, seen.lease, { state: "silent", evidence }), holder: "dead" };
    }
    const holder = ({ dead: "dead", silent: "unknown", held: "alive" } as const)[judgement.state];
    return { error: leaseTaken(name, seen.lease, judgement), holder };
  }
  return null;
}

async function look(world: Composition, name: string, cluster: string): Promise<SeenLease | null> {
  try {
    const { leasing, readOnly } = await world.repository(name);
    return readOnly ? null : ((await leasing?.observe(cluster)) ?? null);
  } catch (error) {
    if (error instanceof PgrescueError) return null;
    throw error;
  }
}

function skip(spec: RunSpec, error: PgrescueError, args: Arguments, terminal: Terminal): void {
  terminal.log(`skipped: ${error.message}`);
  if (args.flag("json") || args.flag("jsonl"))
    terminal.print(
      JSON.stringify({
        schema: "pgrescue.skipped/v1",
        cluster: spec.cluster,
        kind: spec.kind,
        code: error.code,
        reason: error.message,
      }),
    );
}
