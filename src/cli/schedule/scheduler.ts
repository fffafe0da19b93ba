import { cronTimes } from "../../adapters/system/cron-times.ts";
import { formatInstant, type Instant } from "../../domain/instant.ts";
import { parseDuration } from "../../domain/quantity.ts";
import { dueSince, type Times } from "../../domain/schedule/due.ts";
import type { ScheduledWork } from "../../domain/schedule/entry.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Job, JobEnd, Jobs } from "./jobs.ts";

/** What the scheduler says of itself: one a line, for people or as JSON. */
export type ScheduleEvent =
  | { readonly event: "waiting"; readonly entry: string; readonly words: string; readonly next: Instant | null }
  | { readonly event: "missed"; readonly entry: string; readonly slot: Instant; readonly catchesUp: boolean }
  | { readonly event: "started"; readonly entry: string; readonly slot: Instant; readonly words: string }
  | { readonly event: "skipped"; readonly entry: string; readonly slot: Instant; readonly reason: string }
  | {
      readonly event: "ended";
      readonly entry: string;
      readonly slot: Instant;
      readonly exitCode: number;
      readonly seconds: number;
    };

export interface SchedulerOptions {
  readonly work: readonly ScheduledWork[];
  readonly clock: Clock;
  readonly jobs: Jobs;
  readonly say: (event: ScheduleEvent) => void;
  /** Whether a slot was done, by whoever. */
  readonly wasDone: (work: ScheduledWork, slot: Instant) => Promise<boolean>;
  /** A number from 0 to 1, for the jitter. */
  readonly random: () => number;
}

/** An entry as the scheduler has it. */
export interface ScheduledState {
  readonly name: string;
  readonly words: string;
  readonly next: Instant | null;
  readonly last: { readonly slot: Instant; readonly exitCode: number } | null;
}

/** Looks at the clock at least this often, in milliseconds: it may jump, and machines sleep. */
const look = 15_000;

interface Entry {
  readonly work: ScheduledWork;
  readonly times: Times;
  /** Up to this slot everything was dealt with. */
  since: Instant;
  last: ScheduledState["last"];
}

/** Decides what is due, and gives it to the jobs. */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #entries: readonly Entry[];
  readonly #stop = new AbortController();
  readonly #began: Instant;
  #lookedAt: number;

  /** Throws `config` for an entry whose time is none. */
  constructor(options: SchedulerOptions) {
    this.#options = options;
    const now = options.clock.now();
    this.#began = now;
    this.#entries = options.work.map((work) => ({
      work,
      times: cronTimes(work.entry.at, work.entry.timeZone),
      since: now,
      last: null,
    }));
    this.#lookedAt = options.clock.monotonic();
  }

  /** Deals with the slots that passed while nobody was there: those whose work was not done are done now, or left, as the entry says. */
  async catchUp(): Promise<void> {
    const { wasDone, say } = this.#options;
    for (const entry of this.#entries) {
      const { work, times } = entry;
      const slot = times.previous(this.#began);
      if (slot === null || work.proof === null || (await wasDone(work, slot))) continue;
      if (this.#stop.signal.aborted) return;
      // Looking took so long that a newer slot came: the older one is over.
      if (entry.since > this.#began) continue;
      const catchesUp = work.entry.missed === "run";
      say({ event: "missed", entry: work.name, slot, catchesUp });
      if (catchesUp) this.#give(entry, slot);
    }
  }

  /** Works until `stop`. */
  async run(): Promise<void> {
    const { clock, say } = this.#options;
    for (const { name, words, next } of this.states()) say({ event: "waiting", entry: name, words, next });
    while (!this.#stop.signal.aborted) {
      this.#lookedAt = clock.monotonic();
      this.#takeDue();
      await clock.sleep(this.#pause(), this.#stop.signal).catch(() => undefined);
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Remembers how a job ended. */
  ended({ work, slot, exitCode }: JobEnd): void {
    const entry = this.#entries.find((e) => e.work.name === work.name);
    if (entry !== undefined) entry.last = { slot, exitCode };
  }

  states(): readonly ScheduledState[] {
    const now = this.#options.clock.now();
    return this.#entries.map(({ work, times, last }) => ({
      name: work.name,
      words: work.words,
      next: times.next(now),
      last,
    }));
  }

  /** Whether it still looks at the clock. */
  isAlive(): boolean {
    return !this.#stop.signal.aborted && this.#options.clock.monotonic() - this.#lookedAt < 8 * look;
  }

  #takeDue(): void {
    const { clock, say } = this.#options;
    for (const entry of this.#entries) {
      const due = dueSince(entry.times, entry.since, clock.now());
      if (due === null) continue;
      entry.since = due.slot;
      const name = entry.work.name;
      if (due.isLate) {
        const catchesUp = entry.work.entry.missed === "run" && entry.work.proof !== null;
        say({ event: "missed", entry: name, slot: due.slot, catchesUp });
        if (!catchesUp) continue;
      }
      this.#later(entry, due.slot);
    }
  }

  /** Waits a random part of the entry's jitter first, so that many hosts do not begin in the same second. */
  #later(entry: Entry, slot: Instant): void {
    const jitter = parseDuration(entry.work.entry.jitter ?? "0s") ?? 0;
    if (jitter === 0) return this.#give(entry, slot);
    const { clock, random } = this.#options;
    void clock.sleep(random() * jitter * 1000, this.#stop.signal).then(
      () => this.#give(entry, slot),
      () => undefined,
    );
  }

  #give({ work }: Entry, slot: Instant): void {
    const job: Job = { work, slot };
    if (this.#options.jobs.add(job)) return;
    this.#options.say({ event: "skipped", entry: work.name, slot, reason: "its last run has not ended yet" });
  }

  /** Milliseconds until the next slot, at most until the next look. */
  #pause(): number {
    const now = this.#options.clock.now();
    const next = this.#entries.flatMap(({ times }) => times.next(now) ?? []);
    const until = next.map((at) => Number(at - now) / 1000);
    return Math.max(20, Math.min(look, ...until));
  }
}

/** An event as a line of the log. */
export function eventLine(event: ScheduleEvent): string {
  const at = (slot: Instant): string => `${formatInstant(slot).slice(0, 19)}Z`;
  switch (event.event) {
    case "waiting":
      return `${event.entry}: ${event.words}, next ${event.next === null ? "never" : at(event.next)}`;
    case "missed":
      return `${event.entry}: the slot ${at(event.slot)} was missed; ${event.catchesUp ? "it is caught up now" : "it is left out"}`;
    case "started":
      return `${event.entry}: ${event.words} for ${at(event.slot)} begins`;
    case "skipped":
      return `[WARN] ${event.entry}: the slot ${at(event.slot)} is left out, ${event.reason}`;
    case "ended": {
      const how = event.exitCode === 0 ? "done" : `ended with exit code ${event.exitCode}`;
      return `${event.exitCode === 0 ? "" : "[FAIL] "}${event.entry}: ${how} after ${event.seconds.toFixed(1)} s`;
    }
  }
}

/** The same as a JSON line, pgrescue.schedule-event/v1. */
export function eventDocument(event: ScheduleEvent): object {
  const moments = Object.entries(event).map(([key, value]) => [
    key,
    typeof value === "bigint" ? formatInstant(value as Instant) : value,
  ]);
  return { schema: "pgrescue.schedule-event/v1", ...Object.fromEntries(moments) };
}
