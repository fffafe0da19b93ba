import { PgrescueError } from "../../domain/errors.ts";
import type { RecoveryInputs } from "../../domain/plan.ts";
import { gravest, type Verdict } from "../../domain/verdict.ts";
import type { Sql } from "../../ports/sql.ts";
import type { StepContext, StepKind, StepSignal } from "../step.ts";
import { withOwnSession } from "./own-server-run.ts";
import { hasRecorded } from "./recorded.ts";
import { recoveryInputs } from "./recovery-inputs.ts";
import { judged, recorded } from "./signals.ts";

/** What a verification says of itself, and how it finds out. It yields verdicts; one that fails fails the step after all are told. */
export interface Verification {
  readonly name: string;
  describe(inputs: RecoveryInputs): { readonly text: string; readonly commands: readonly (readonly string[])[] };
  verify(inputs: RecoveryInputs, ctx: StepContext): AsyncIterable<Verdict | StepSignal>;
}

/** A step kind of a verification: reads only, is done when its answer is recorded, refuses to go on after a `fail`. */
export function verificationStep(of: Verification): StepKind<Record<string, never>> {
  const record = of.name.replace("verify.", "verified-");
  return {
    name: of.name,
    risk: "read",
    parse: () => ({}),
    describe: (_p, raw) => of.describe(recoveryInputs(raw)),
    probe: async (_p, ctx) => hasRecorded(ctx, record),
    async *run(_p, ctx) {
      const answers: Verdict[] = [];
      for await (const said of of.verify(recoveryInputs(ctx.inputs), ctx)) {
        if ("signal" in said) yield said;
        else {
          answers.push(said);
          yield judged(said);
        }
      }
      const failed = answers.find((answer) => answer.result === "fail");
      if (failed !== undefined) {
        throw new PgrescueError(
          "verification-failed",
          `${failed.title}: ${failed.evidence}`,
          failed.mend === undefined ? {} : { next: failed.mend },
        );
      }
      yield recorded(record, gravest(answers));
    },
  };
}

/** Databases that sessions are possible in, without templates unless they are all there is. */
export function databasesOf(inputs: RecoveryInputs, ctx: StepContext): Promise<readonly string[]> {
  return withOwnSession(inputs, ctx, async (sql) => {
    const rows = await sql.query<{ name: string }>(
      "select datname as name from pg_database where datallowconn and datconnlimit <> -2 and datname <> 'template1' order by 1",
    );
    return rows.map((row) => row.name);
  });
}

/**
 * A session that only reads and never waits behind a lock: a paused server keeps the locks of transactions that were open
 * at that moment, and nothing but promotion ends them.
 */
export function withReadingSession<T>(
  inputs: RecoveryInputs,
  ctx: StepContext,
  use: (sql: Sql) => Promise<T>,
  database?: string,
): Promise<T> {
  return withOwnSession(
    inputs,
    ctx,
    async (sql) => {
      await sql.query("set default_transaction_read_only = on");
      await sql.query(`set lock_timeout = '${lockPatience}'`);
      return use(sql);
    },
    database,
  );
}

/** How long a check waits for a lock. */
export const lockPatience = "3s";
