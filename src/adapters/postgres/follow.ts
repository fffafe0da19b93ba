import { setTimeout as delay } from "node:timers/promises";
import type { Lsn } from "../../domain/lsn.ts";
import type { FollowOptions, RecoveryMessage, RecoveryStatus, RecoveryStop } from "../../ports/postgres.ts";
import type { SqlConnector } from "../../ports/sql.ts";
import { LogTail } from "./log-tail.ts";
import { findPostmaster } from "./postmaster.ts";
import { explainLogLine, parseLogLine, parseRecoveryStop } from "./recovery-log.ts";
import { RecoveryWatch, type RecoveryAnswer } from "./recovery-watch.ts";

/** How long a server may take from pg_ctl to its postmaster.pid. */
const birth = 5_000;

/**
 * Follows a server from its start to the real end of recovery. Three witnesses, none enough alone: the process table (is it
 * alive), its log (why it stops, that a pause is the one at the target), and its own answers (where replay is, what state
 * it is in). Reads being possible is not the end. Yields whenever something changed.
 */
export async function* followRecovery(connector: SqlConnector, options: FollowOptions): AsyncGenerator<RecoveryStatus> {
  const tail = new LogTail(options.logFile, options.logOffset ?? 0);
  const watch = new RecoveryWatch(connector, options.connection);
  const story = new Story();
  const interval = options.interval ?? 250;
  const began = performance.now();
  let wasAlive = false;
  let shown = "";
  try {
    for (;;) {
      options.signal.throwIfAborted();
      // Order matters: whoever is dead now has said everything before.
      const alive = (await findPostmaster(options.dataDirectory)) !== null;
      const hasLog = await tail.read((line) => story.add(line));
      wasAlive ||= alive;
      const answer = alive ? await watch.ask() : null;
      // What it did between our reading and its answer is in the log by now: this look may be the last one.
      if (answer?.inRecovery === false) await tail.read((line) => story.add(line));
      if (watch.refused !== null) story.remark(watch.refused);
      const age = performance.now() - began;
      // A FATAL in the log may be an older start's while the new one is being born.
      const gone = !alive && (wasAlive || age > (story.fatal === null ? birth : birth / 3));
      const status = story.status({ gone, answer, hasLog, blind: watch.refused !== null, log: tail.lastLines });
      const now = JSON.stringify(status, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value));
      if (now !== shown) yield status;
      shown = now;
      if (status.state !== "starting" && status.state !== "replaying") return;
      await delay(interval, undefined, { signal: options.signal });
    }
  } catch (error) {
    options.signal.throwIfAborted();
    throw error;
  } finally {
    await watch.close();
  }
}

/** What one look at the server found. `blind`: it refuses sessions for good. */
interface Look {
  readonly gone: boolean;
  readonly answer: RecoveryAnswer | null;
  readonly hasLog: boolean;
  readonly blind: boolean;
  readonly log: readonly string[];
}

/** What the log told since the newest start in it. */
class Story {
  fatal: RecoveryMessage | null = null;
  #messages: RecoveryMessage[] = [];
  #kinds = new Set<RecoveryMessage["kind"]>();
  #stop: RecoveryStop | null = null;
  #lastRestored: string | null = null;
  #restored = 0;
  #detail: string[] = [];
  #detailed = false;
  #insufficient: RecoveryMessage | null = null;
  #replayLsn: Lsn | null = null;
  #remarked: RecoveryMessage | null = null;

  add(text: string): void {
    const line = parseLogLine(text);
    if (line === null) return;
    // What belongs to the line that says why; later details belong to something else.
    if (line.severity !== "DETAIL") this.#detailed = false;
    else if (this.#detailed && this.#detail.length < 5) this.#detail.push(line.text.replace(/\.$/, ""));
    const message = explainLogLine(line);
    if (message === null) return;
    if (message.kind === "started") this.#reset();
    this.#kinds.add(message.kind);
    if (message.kind === "restored") {
      this.#restored += 1;
      this.#lastRestored = /"([^"]+)"/.exec(message.line)?.[1] ?? null;
    }
    if (message.kind === "stopping") this.#stop = parseRecoveryStop(message.line);
    if (message.kind === "insufficient-settings") this.#insufficient = message;
    this.#detailed = message.kind === "insufficient-settings" || (message.kind === "fatal" && this.fatal === null);
    // The first says why; what follows ("startup process exited") only follows.
    if (message.kind === "fatal") this.fatal ??= message;
    if (this.#messages.length < 1000) this.#messages.push(message);
  }

  /** Something that is not from the log but belongs beside it. */
  remark(message: RecoveryMessage): void {
    if (this.#remarked === message) return;
    this.#remarked = message;
    this.#messages.push(message);
  }

  status(look: Look): RecoveryStatus {
    const { answer } = look;
    const messages = this.#messages;
    this.#messages = [];
    this.#replayLsn = answer?.replayLsn ?? this.#replayLsn;
    const failure = this.#failure(look);
    return {
      state: failure === null ? this.#state(look) : "failed",
      acceptsReads: answer !== null,
      consistent: answer !== null || this.#kinds.has("consistent") || this.#kinds.has("complete"),
      replayLsn: this.#replayLsn,
      lastCommitAt: answer?.lastCommitAt ?? null,
      lastRestored: this.#lastRestored,
      restoredFiles: this.#restored,
      stop: this.#stop,
      messages,
      failure,
    };
  }

  #state({ gone, answer, hasLog, blind }: Look): RecoveryStatus["state"] {
    if (gone) return "shut-down";
    if (answer !== null) {
      if (!answer.inRecovery) return "promoted";
      // A pause that somebody asked for looks the same from outside: only the log tells that it is the target's.
      return answer.paused && (this.#kinds.has("pausing") || !hasLog) ? "paused" : "replaying";
    }
    if (blind && this.#kinds.has("ready")) return "promoted";
    if (blind && this.#kinds.has("pausing")) return "paused";
    return this.#kinds.has("redo") || this.#kinds.has("restored") ? "replaying" : "starting";
  }

  #failure({ gone, log }: Look): RecoveryStatus["failure"] {
    if (this.#insufficient !== null && !this.#kinds.has("ready")) {
      const { text, mend = "" } = this.#insufficient;
      // The details come with the same write as the warning; without them there is nothing to raise.
      if (this.#detail.length > 0) return { message: `${text}: ${this.#detail.join("; ")}`, next: mend, log };
    }
    if (!gone || (this.#kinds.has("shut-down") && this.fatal === null)) return null;
    if (this.fatal !== null) {
      return {
        message: [this.fatal.text, ...this.#detail].join("; "),
        next: this.fatal.mend ?? "Read the log's last lines; nothing was promoted.",
        log,
      };
    }
    return {
      message: "the server is not running and its log does not say why",
      next: "Read the log and the system's journal (out of memory?), then continue.",
      log,
    };
  }

  #reset(): void {
    this.fatal = null;
    this.#kinds = new Set();
    this.#stop = null;
    this.#lastRestored = null;
    this.#restored = 0;
    this.#detail = [];
    this.#insufficient = null;
    this.#replayLsn = null;
  }
}
