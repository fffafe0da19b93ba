import { messageOf } from "../../domain/errors.ts";
import type { RecoveryInputs } from "../../domain/plan.ts";
import type { Sql } from "../../ports/sql.ts";
import type { StepContext } from "../step.ts";
import { isInPlace, siteOf } from "./recovery-inputs.ts";
import { verdict } from "./signals.ts";
import { databasesOf, lockPatience, verificationStep, withReadingSession } from "./verification.ts";

const rung = "sense";
const title = "row counts then and now";
/** Tables that are counted in each database, the largest first. */
const tablesPerDatabase = 10;

interface Count {
  readonly table: string;
  readonly past: string;
  /** null: production cannot be asked, or has no such table. */
  readonly present: string | null;
}

/**
 * Counts the largest tables in the recovered server and, where production runs here, in production. Information only:
 * without an exact reference of the same moment nobody can say that a count is right, so the answer is "unknown".
 */
export const step = verificationStep({
  name: "verify.counts",
  describe: () => ({ text: `count the ${tablesPerDatabase} largest tables of each database`, commands: [] }),
  async *verify(inputs, ctx) {
    const names = await databasesOf(inputs, ctx);
    const counts: Count[] = [];
    for (const [done, name] of names.entries()) {
      yield { signal: "progress", done, total: names.length, unit: "checks", doing: `counting in ${name}` };
      counts.push(...(await compare(name, inputs, ctx)));
    }
    if (counts.length === 0) {
      yield verdict("counts", title, "skip", "there are no tables", { rung });
      return;
    }
    const shown = counts
      .slice(0, 4)
      .map(({ table, past, present }) => `${table} ${past}${present === null ? "" : ` (now ${present})`}`);
    const rest = counts.length > 4 ? `, and ${counts.length - 4} more` : "";
    yield verdict("counts", title, "unknown", `${shown.join(", ")}${rest}; no exact reference of that moment`, {
      rung,
      data: counts.map(({ table, past, present }) => ({ table, past, present })),
    });
  },
});

async function compare(database: string, inputs: RecoveryInputs, ctx: StepContext): Promise<readonly Count[]> {
  const past = await withReadingSession(inputs, ctx, (sql) => countIn(sql), database).catch(
    () => new Map<string, string>(),
  );
  if (past.size === 0) return [];
  const now = await production(database, inputs, ctx, [...past.keys()]);
  return [...past].map(([table, count]) => ({
    table: `${database}.${table}`,
    past: count,
    present: now?.get(table) ?? null,
  }));
}

async function countIn(sql: Sql, only?: readonly string[]): Promise<Map<string, string>> {
  await sql.query("set default_transaction_read_only = on");
  await sql.query(`set lock_timeout = '${lockPatience}'`);
  await sql.query("set statement_timeout = '60s'");
  const tables = await sql.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and c.relpersistence = 'p' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
     order by pg_relation_size(c.oid) desc, 1 limit ${tablesPerDatabase}`,
  );
  const counts = new Map<string, string>();
  for (const name of only ?? tables.map((row) => row.name)) {
    const text = await sql.query<{ count: string }>(`select count(*)::text as count from ${name}`).then(
      (rows) => rows[0]?.count ?? "",
      (error: unknown) => (only === undefined ? messageOf(error) : ""),
    );
    if (text !== "") counts.set(name, text);
  }
  return counts;
}

/** The same tables in the production server on this host; null where there is none to ask. */
async function production(
  database: string,
  inputs: RecoveryInputs,
  ctx: StepContext,
  tables: readonly string[],
): Promise<Map<string, string> | null> {
  const [directory] = siteOf(inputs).production ?? [];
  if (isInPlace(inputs) || directory === undefined) return null;
  const { postgres, sql } = ctx.world;
  const target = postgres.connectionOf(
    await postgres.inspect(directory),
    siteOf(inputs).superuser ?? "postgres",
    database,
  );
  if (target === null) return null;
  try {
    const session = await sql.connect(target);
    try {
      return await countIn(session, tables);
    } finally {
      await session.close();
    }
  } catch {
    // Production in trouble is what recoveries are made in: its counts are then simply not there.
    return null;
  }
}
