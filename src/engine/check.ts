import type { Instant } from "../domain/instant.ts";
import { messageOf } from "../domain/errors.ts";
import type { Verdict } from "../domain/verdict.ts";
import type { Files } from "../ports/files.ts";
import type { DataDirectory, Installation, PostgresPort, ServerIdentity } from "../ports/postgres.ts";
import type { Repository } from "../ports/repository.ts";
import type { Shell } from "../ports/shell.ts";
import type { Sql } from "../ports/sql.ts";
import type { Survey } from "./planning/survey.ts";

/** A server as checks meet it: a session with it, or why there is none. */
export type CheckedServer =
  | { readonly state: "up"; readonly sql: Sql; readonly identity: ServerIdentity; readonly user: string }
  | { readonly state: "unreachable"; readonly message: string; readonly next: string };

/** What checks look at, gathered once. Nothing here is changed by any of them. */
export interface CheckContext {
  readonly cluster: string;
  readonly now: Instant;
  readonly server: CheckedServer;
  /** The data directory where it is on this host and may be looked at. */
  readonly directory: DataDirectory | null;
  /** Programs of the server's major version on this host; null where they are missing or the version is unknown. */
  readonly installation: Installation | null;
  readonly repositories: readonly {
    readonly name: string;
    readonly url: string;
    readonly repository: Repository | null;
    readonly failure: string | null;
    readonly next: string | null;
  }[];
  /** Points, windows and holes; null where no repository could be read. */
  readonly survey: Survey | null;
  /** Seconds of the objectives; null where none is set. */
  readonly objectives: { readonly rpo: number | null; readonly rto: number | null };
  /** Seconds between scheduled base backups, with slack; null where no schedule is known. */
  readonly backupPeriod: number | null;
  /** The archive_command that stores into this cluster's repositories, as it is typed into postgresql.conf (unquoted). */
  readonly archiveCommand: string;
  /** Directories that must have room, with what they are for. */
  readonly places: readonly { readonly name: string; readonly path: string }[];
  readonly postgres: PostgresPort;
  readonly files: Files;
  readonly shell: Shell;
}

/** A question to the world. `ask` may throw: then the answer is `unknown`, with the reason as evidence. */
export interface Check {
  readonly id: string;
  readonly title: string;
  ask(context: CheckContext): Promise<Answer | readonly Answer[]>;
}

/** A verdict but for what its check adds. `name` tells several findings of one check apart. */
export type Answer = Omit<Verdict, "check" | "title"> & { readonly name?: string };

/**
 * Asks the checks one after another and gives each verdict as soon as it is there. A check that fails to run is "unknown",
 * never a pass and never an exception. Each has `limit` milliseconds (30 s).
 */
export async function* askChecks(
  checks: readonly Check[],
  context: CheckContext,
  limit = 30_000,
): AsyncGenerator<Verdict> {
  for (const check of checks) {
    for (const { name, ...found } of await answer(check, context, limit)) {
      yield { check: name === undefined ? check.id : `${check.id}:${name}`, title: check.title, ...found };
    }
  }
}

async function answer(check: Check, context: CheckContext, limit: number): Promise<readonly Answer[]> {
  const late = AbortSignal.timeout(limit);
  const tooLate = new Promise<Answer>((resolve) => {
    late.addEventListener(
      "abort",
      () => resolve({ result: "unknown", evidence: `no answer within ${Math.round(limit / 1000)} s` }),
      { once: true },
    );
  });
  try {
    const found = await Promise.race([check.ask(context), tooLate]);
    return "result" in found ? [found] : found;
  } catch (error) {
    return [{ result: "unknown", evidence: `could not be asked: ${messageOf(error)}` }];
  }
}

/** The answer of every check that needs a session when there is none. */
export function notAsked(server: Extract<CheckedServer, { state: "unreachable" }>): Answer {
  return { result: "unknown", evidence: `the server cannot be asked: ${server.message}` };
}

/** What changes a setting: shown as it is typed. `apply` says what makes it count. */
export function alterSystem(
  setting: string,
  value: string,
  apply: "reload" | "restart",
): { readonly mend: string; readonly data: { readonly alter: string; readonly apply: string } } {
  const alter = `ALTER SYSTEM SET ${setting} = '${value.replaceAll("'", "''")}';`;
  return {
    mend:
      apply === "reload"
        ? `Run \`${alter}\` and \`SELECT pg_reload_conf();\`.`
        : `Run \`${alter}\` and restart the server.`,
    data: { alter, apply },
  };
}
