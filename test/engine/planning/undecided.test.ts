import { afterAll, beforeAll, expect, test } from "vitest";
import type { Instant } from "../../../src/domain/instant.ts";
import { isRefusal } from "../../../src/domain/refusal.ts";
import type { Target } from "../../../src/domain/target.ts";
import type { RecoveryPlan } from "../../../src/engine/planning/plan-recovery.ts";
import { archiveAll, clock } from "./archived-server.ts";
import { copiedServer, type CopiedServer, type Wanted, type RecoveredCopy } from "./recovered-copy.ts";

let world: CopiedServer;
const times: Record<string, Instant> = {};
const xids: Record<string, number> = {};

const sql = (text: string): Promise<string> => world.server.sql(text);

async function mark(name: string): Promise<void> {
  times[name] = await clock(world.server);
}

/** Begins a transaction that goes on beside others and commits in the end. */
async function open(name: string, work: string, seconds: number): Promise<{ readonly ended: Promise<string> }> {
  const ended = sql(`SET application_name = '${name}'; BEGIN; ${work}; SELECT pg_sleep(${seconds}); COMMIT`);
  for (let tries = 0; tries < 100; tries++) {
    const xid = await sql(
      `SELECT backend_xid FROM pg_stat_activity WHERE application_name = '${name}' AND wait_event = 'PgSleep'`,
    );
    if (xid !== "") {
      xids[name] = Number(xid);
      return { ended };
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${name} does not begin`);
}

beforeAll(async () => {
  world = await copiedServer({ max_prepared_transactions: "5" });
  await sql("CREATE TABLE t (name text); CREATE TABLE dropped (id int); INSERT INTO dropped VALUES (1)");
  await world.backup();
  await mark("quiet");
  await sql("BEGIN; DROP TABLE dropped; ROLLBACK");
  xids["first"] = Number(await sql("BEGIN; INSERT INTO t VALUES ('first'); SELECT pg_current_xact_id(); COMMIT"));
  // Two that overlap: the one with the lower id ends last.
  const late = await open("late", "INSERT INTO t VALUES ('late')", 1.5);
  await sql("INSERT INTO t VALUES ('early')");
  await mark("early");
  await sql("BEGIN; INSERT INTO t VALUES ('prepared'); PREPARE TRANSACTION 'p1'");
  await mark("prepared");
  await sql("INSERT INTO t VALUES ('between')");
  await mark("between");
  await sql("ROLLBACK PREPARED 'p1'");
  await mark("rolled back");
  await late.ended;
  await mark("late");
  const drop = await open("drop", "DROP TABLE dropped", 0.5);
  await sql("INSERT INTO t VALUES ('while dropping')");
  await mark("while dropping");
  await drop.ended;
  await sql("BEGIN; INSERT INTO t VALUES ('last'); PREPARE TRANSACTION 'p2'");
  await mark("last");
  await sql("CHECKPOINT");
  await archiveAll(world.server);
}, 60_000);

afterAll(() => world[Symbol.asyncDispose]());

async function plan(target: Target, more: Wanted = {}): Promise<RecoveryPlan> {
  const answer = await world.plan(target, more);
  if (isRefusal(answer)) throw new Error(`${answer.refusal}: ${answer.message}`);
  return answer;
}

const at = (name: string): Promise<RecoveryPlan> => plan({ kind: "time", time: times[name]! });

const before = (name: string): Promise<RecoveryPlan> => plan({ kind: "xid", xid: xids[name]! }, { inclusive: false });

const rowsOf = (copy: RecoveredCopy): Promise<string> => copy.sql("SELECT string_agg(name, ' ' ORDER BY ctid) FROM t");
const preparedIn = (copy: RecoveredCopy): Promise<string> =>
  copy.sql("SELECT string_agg(gid, ' ') FROM pg_prepared_xacts");

const cases: [string, () => Promise<RecoveryPlan>, string, string][] = [
  ["a time with nothing committed since the backup", () => at("quiet"), "", ""],
  ["before the first transaction after the backup", () => before("first"), "", ""],
  ["a time while an older transaction is open", () => at("early"), "first early", ""],
  ["a time right after PREPARE TRANSACTION", () => at("prepared"), "first early", "p1"],
  ["a time while a transaction is prepared", () => at("between"), "first early between", "p1"],
  ["a time right after ROLLBACK PREPARED", () => at("rolled back"), "first early between", ""],
  ["before a transaction that overlapped others", () => before("late"), "first early between", ""],
  ["before a DROP TABLE that overlapped a commit", () => before("drop"), "first late early between while dropping", ""],
  ["a time while a DROP TABLE is open", () => at("while dropping"), "first late early between while dropping", ""],
];

test.each(cases)(
  "%s keeps exactly what was decided until then, and nothing later holds locks",
  async (name, planned, rows, gids) => {
    await using copy = await world.recover(await planned());
    expect(await copy.sql("SELECT pg_is_in_recovery()")).toBe("t");
    expect(await rowsOf(copy)).toBe(rows);
    const look = "SET lock_timeout = '1s'; SELECT count(*) FROM dropped";
    // What locked a table before the last kept commit and had not ended then, keeps it until the promotion.
    if (!name.includes("DROP TABLE")) expect(await copy.sql(look)).toBe("1");
    // What is prepared shows only where the server writes.
    await copy.sql("SELECT pg_promote()");
    expect(await rowsOf(copy)).toBe(rows);
    expect(await copy.sql(look)).toBe("1");
    expect(await preparedIn(copy)).toBe(gids);
  },
);

test("everything, paused, keeps what was prepared after the last commit", async () => {
  await using copy = await world.recover(await plan({ kind: "latest" }));
  await copy.sql("SELECT pg_promote()");
  expect(await preparedIn(copy)).toBe("p2");
});
