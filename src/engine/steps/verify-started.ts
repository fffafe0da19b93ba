import type { RecoveryInputs } from "../../domain/plan.ts";
import type { StepContext } from "../step.ts";
import { messageOf } from "../../domain/errors.ts";
import type { Verdict } from "../../domain/verdict.ts";
import { recoveryState, withOwnSession } from "./own-server-run.ts";
import { verdict } from "./signals.ts";
import { databasesOf, verificationStep } from "./verification.ts";

const rung = "starts";

/** Whether the server answers in every database, and whether a database is there that only half exists. */
export const step = verificationStep({
  name: "verify.started",
  describe: () => ({ text: "open a session in every database", commands: [] }),
  async *verify(inputs, ctx) {
    yield await state(inputs, ctx);
    yield await invalid(inputs, ctx);
    const names = await databasesOf(inputs, ctx);
    const broken: string[] = [];
    for (const [done, name] of names.entries()) {
      yield { signal: "progress", done, total: names.length, unit: "checks", doing: `opening ${name}` };
      await withOwnSession(inputs, ctx, (sql) => sql.query("select count(*) from pg_class"), name).catch(
        (error: unknown) => {
          broken.push(`${name}: ${messageOf(error)}`);
        },
      );
    }
    yield* locked(names, inputs, ctx);
    const title = "every database opens";
    yield broken.length === 0
      ? verdict("databases", title, "pass", names.join(", "), { rung })
      : verdict("databases", title, "fail", broken.join("; "), {
          rung,
          mend: "Choose another target: these databases are not whole at this moment.",
        });
  },
});

async function state(inputs: RecoveryInputs, ctx: StepContext): Promise<Verdict> {
  return withOwnSession(inputs, ctx, async (sql) => {
    const now = await recoveryState(sql, inputs);
    const [row] = await sql.query<{ version: string; system: string; timeline: number }>(
      "select current_setting('server_version') as version, (select system_identifier::text from pg_control_system()) as system, (select timeline_id from pg_control_checkpoint()) as timeline",
    );
    const evidence = `PostgreSQL ${row?.version}, system ${row?.system}, ${now === "promoted" ? "takes writes" : "paused in the past"}`;
    if (row?.system !== inputs.systemIdentifier)
      return verdict("started", "server is up", "fail", `${evidence}; expected system ${inputs.systemIdentifier}`, {
        rung,
      });
    if (now === "replaying")
      return verdict("started", "server is up", "fail", "replay still goes on", {
        rung,
        mend: "Wait for the end of recovery: reads are not true before.",
      });
    return verdict("started", "server is up", "pass", evidence, { rung });
  });
}

/** A DROP DATABASE that was stopped in the middle leaves an entry whose directory is gone. */
async function invalid(inputs: RecoveryInputs, ctx: StepContext): Promise<Verdict> {
  const names = await withOwnSession(inputs, ctx, (sql) =>
    sql.query<{ name: string }>("select datname as name from pg_database where datconnlimit = -2"),
  );
  const title = "no half-dropped database";
  if (names.length === 0) return verdict("half-dropped", title, "pass", "none", { rung });
  return verdict("half-dropped", title, "fail", names.map((row) => row.name).join(", "), {
    rung,
    mend: "Recover to the last commit before the DROP DATABASE, inclusive: its own time and transaction are too late.",
  });
}

/** Tables that a transaction which was open at this moment keeps locked, for as long as recovery is paused. */
async function* locked(names: readonly string[], inputs: RecoveryInputs, ctx: StepContext): AsyncGenerator<Verdict> {
  const tables: string[] = [];
  for (const name of names) {
    const rows = await withOwnSession(
      inputs,
      ctx,
      (sql) =>
        sql.query<{ name: string }>(
          `select distinct l.relation::regclass::text as name from pg_locks l join pg_database d on d.oid = l.database
           where d.datname = current_database() and l.locktype = 'relation' and l.mode = 'AccessExclusiveLock' and l.granted and pg_is_in_recovery()`,
        ),
      name,
    ).catch(() => []);
    tables.push(...rows.map((row) => `${name}.${row.name}`));
  }
  if (tables.length === 0) return;
  const mend = "Choose a target before that transaction began, or promote: that rolls it back and frees the tables.";
  yield verdict(
    "locked",
    "tables that can be read",
    "warn",
    `locked by a transaction that was open: ${tables.join(", ")}`,
    { rung, mend },
  );
}
