/**
 * Every way in which pgrescue fails, in one table: the code that scripts may rely on, the exit code, what it
 * means for the data, and what helps. The message of an error says what was found; the rest is here.
 */
export interface ErrorKind {
  readonly exit: number;
  /** What it means for the data, in one sentence. */
  readonly means: string;
  /** What to do next, in one sentence an operator can act on. */
  readonly next: string;
}

export const errorKinds = {
  bug: {
    exit: 1,
    means: "This is a defect of pgrescue; the step it was in may or may not have taken effect.",
    next: "Run `pgrescue status`, then `pgrescue continue`; report the stack.",
  },
  usage: { exit: 2, means: "Nothing was changed.", next: "Correct the command line; `pgrescue help` shows examples." },
  config: {
    exit: 2,
    means: "Nothing was changed.",
    next: "Correct the configuration; `pgrescue config show --origin` says where each value came from.",
  },
  "repository-not-found": {
    exit: 10,
    means: "Nothing was changed; whether backups exist elsewhere is unknown.",
    next: "Check the repository's URL and whether its storage is mounted.",
  },
  locked: {
    exit: 11,
    means: "Nothing was changed.",
    next: "Join the other run with `pgrescue attach`, or wait for it.",
  },
  credentials: {
    exit: 12,
    means: "Nothing was changed; the data behind the lock is unknown, not lost.",
    next: "Check the credentials or key that this place needs.",
  },
  "no-recovery-point": {
    exit: 20,
    means: "Nothing was changed; that moment cannot be reached from these backups.",
    next: "List what can be reached with `pgrescue points`.",
  },
  "precondition-refused": {
    exit: 30,
    means: "Nothing was changed by the step that was refused.",
    next: "Mend what the message names and run it again.",
  },
  declined: {
    exit: 31,
    means: "Nothing was changed by the step that was declined.",
    next: "Run it again when you are ready; `pgrescue status` shows where the run stands.",
  },
  "external-failure": {
    exit: 40,
    means: "The step did not finish; what it left is kept and is looked at again on continuation.",
    next: "Mend the cause and run `pgrescue continue`.",
  },
  "store-failure": {
    exit: 40,
    means: "The storage did not answer as it should; nothing half-written is ever offered as a backup.",
    next: "Check the storage, then run `pgrescue continue` or the command again.",
  },
  "damaged-data": {
    exit: 50,
    means: "What is stored is not what was written; it was not used.",
    next: "Take the point or segment from another repository or an older backup; `pgrescue points` lists them.",
  },
  "verification-failed": {
    exit: 50,
    means: "The restored server is not what it should be; do not open it to the application.",
    next: "Read the failed checks in `pgrescue report`, then choose another point.",
  },
  "verification-undecided": {
    exit: 51,
    means: "Some checks could not run, so it is unknown whether the data is right.",
    next: "Read which checks did not run in `pgrescue report` and run them by hand.",
  },
  paused: {
    exit: 60,
    means: "The run stopped at a safe point; nothing was lost.",
    next: "Go on with `pgrescue continue`.",
  },
  interrupted: {
    exit: 130,
    means: "The journal is consistent.",
    next: "Look with `pgrescue status`, go on with `pgrescue continue`.",
  },
} satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorKinds;

export interface ErrorDetail {
  /** Overrides the table's hint where the place knows better. A full sentence. */
  readonly next?: string;
  /** Overrides the table's meaning where the place knows better. A full sentence. */
  readonly means?: string;
  readonly cause?: unknown;
}

const mark = Symbol.for("pgrescue.error");

/**
 * The only error that pgrescue throws on purpose. `message`: lower-case, no period, what was found.
 * Anything else that reaches `main` is a bug and prints a stack.
 */
export class PgrescueError extends Error {
  readonly code: ErrorCode;
  readonly means: string;
  readonly next: string;

  /** By a mark, not by identity: commands that are bundled on their own have a class of their own. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && mark in value;
  }

  get [mark](): true {
    return true;
  }

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = "PgrescueError";
    this.code = code;
    this.means = detail.means ?? errorKinds[code].means;
    this.next = detail.next ?? errorKinds[code].next;
  }

  get exitCode(): number {
    return errorKinds[this.code].exit;
  }
}

/** The message of anything thrown, in one line. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
