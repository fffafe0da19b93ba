import type { Secret } from "../domain/secret.ts";

/** A user that children run as; only root may name another one. Supplementary groups are initialised. */
export interface OsUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export interface CommandOptions {
  readonly cwd?: string;
  /** Added to ours; undefined takes a variable away. */
  readonly env?: { readonly [name: string]: string | Secret | undefined };
  readonly as?: OsUser;
  readonly input?: Uint8Array | string;
  readonly signal?: AbortSignal;
  /** Milliseconds until TERM (KILL 10 s later). */
  readonly timeout?: number;
}

export interface CommandResult {
  readonly argv: readonly string[];
  /** null when it ended by a signal or could not be started. */
  readonly exit: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly milliseconds: number;
}

/** Runs other programs: argument arrays only, never a shell string, stdin closed unless given. */
export interface Shell {
  /** Runs to the end; a failing exit is a value. Throws `external-failure` only when the program cannot be started. */
  run(argv: readonly string[], options?: CommandOptions): Promise<CommandResult>;
}
