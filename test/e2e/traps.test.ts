import { rename, symlink, unlink } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseInstant, type Instant } from "../../src/domain/instant.ts";
import { recoveryWorld, type RecoveryWorld, type RunReport } from "../support/recovery-world.ts";

async function now({ server }: RecoveryWorld): Promise<Instant> {
  const at = parseInstant(`${await server.sql("select clock_timestamp() at time zone 'utc'")}Z`);
  if (at === null) throw new Error("the server tells no time");
  return at;
}

function said(report: RunReport): string {
  return `${JSON.stringify(report.outcome)}\n${report.state.log.map((line) => line.text).join("\n")}`;
}

const done = /every step is done/;

test("a second attempt stays on the timeline that was asked for, although the first attempt's branch is in the archive", async () => {
  await using world = await recoveryWorld();
  const { server } = world;
  await server.sql("create table t (id int); insert into t values (1)");
  await world.backup();
  const before = await now(world);
  await server.sql("insert into t values (2)");
  const after = await now(world);
  await server.sql("insert into t values (3)");
  await world.archived();
  const first = await world.plan(
    { target: { kind: "time", time: before } },
    { method: "rewind-in-place", action: "pause" },
  );
  const rewound = await world.run(first);
  expect(rewound.outcome.message, said(rewound)).toMatch(done);
  await server.sql("insert into t values (99)");
  await world.archived();
  const old = await world.run(await world.plan({ target: { kind: "time", time: after }, timeline: 1 }));
  expect(old.outcome.message, said(old)).toMatch(done);
  expect(await world.query(old, "select string_agg(id::text, ',' order by id) from t")).toBe("1,2");
  const newest = await world.run(await world.plan({ target: { kind: "latest" } }));
  expect(newest.outcome.message, said(newest)).toMatch(done);
  expect(await world.query(newest, "select string_agg(id::text, ',' order by id) from t")).toBe("1,99");
});

test("too early and too late are refused before a byte is copied; a quiet database has its last moment", async () => {
  await using world = await recoveryWorld();
  const { server } = world;
  await server.sql("create table t (id int); insert into t values (1)");
  const early = await now(world);
  await world.backup();
  await server.sql("insert into t values (2)");
  await world.archived();
  const quiet = await now(world);
  expect(await world.refusal({ target: { kind: "time", time: early } })).not.toBe("(it was not refused)");
  const tomorrow = (quiet + 86_400_000_000n) as Instant;
  expect(await world.refusal({ target: { kind: "time", time: tomorrow } })).not.toBe("(it was not refused)");
  const last = await world.server.sql("select pg_xact_commit_timestamp(xmin) from t limit 0");
  expect(last).toBe("");
  const report = await world.run(await world.plan({ target: { kind: "latest" } }, { action: "pause" }));
  expect(report.outcome.message, said(report)).toMatch(done);
  expect(await world.query(report, "select pg_is_in_recovery(), count(*) from t")).toBe("t|2");
});

test("nothing is read before replay has really ended", async () => {
  await using world = await recoveryWorld();
  const { server } = world;
  await server.sql("create table t (id int, filler text)");
  await world.backup();
  for (let round = 0; round < 6; round++)
    await server.sql("insert into t select g, repeat('x', 500) from generate_series(1, 20000) g");
  const time = await now(world);
  await server.sql("truncate t");
  await world.archived();
  const report = await world.run(
    await world.plan(
      { target: { kind: "time", time } },
      { action: "pause", site: { checks: [{ name: "all", sql: "select count(*) = 120000 from t" }] } },
    ),
  );
  expect(report.outcome.message, said(report)).toMatch(done);
  expect(report.state.verdicts.find(({ verdict }) => verdict.check === "sql.all")?.verdict.result).toBe("pass");
});

test("a table that was dropped can be looked at in a paused server: recovery stops before the drop took its lock", async () => {
  await using world = await recoveryWorld();
  const { server } = world;
  await server.sql("create table t (id int); insert into t values (1)");
  await world.backup();
  await server.sql("insert into t values (2)");
  const time = await now(world);
  await server.sql("begin; drop table t; select pg_sleep(0.2); commit");
  await world.archived();
  const report = await world.run(await world.plan({ target: { kind: "time", time } }, { action: "pause" }));
  expect(report.outcome.message, said(report)).toMatch(done);
  expect(await world.query(report, "set lock_timeout = '2s'; select pg_is_in_recovery(), count(*) from t")).toBe("t|2");
});

test("parameters that were raised after the backup are raised before replay meets them", async () => {
  await using world = await recoveryWorld({ settings: { max_connections: "20" } });
  const { server } = world;
  await server.sql("create table t (id int)");
  await world.backup();
  await server.sql("alter system set max_connections = 200");
  await server.sql("alter system set max_prepared_transactions = 30");
  await server.stop();
  await server.start();
  await server.sql("insert into t values (1)");
  await world.archived();
  const inputs = await world.plan({ target: { kind: "latest" } }, { action: "pause" });
  expect(inputs.floors).toMatchObject({ max_connections: 200, max_prepared_transactions: 30 });
  const report = await world.run(inputs);
  expect(report.outcome.message, said(report)).toMatch(done);
  expect(await world.query(report, "select count(*) from t")).toBe("1");
});

test("a scratch server on the same host has tablespaces of its own, and does not start when a link leads to production's", async () => {
  await using world = await recoveryWorld({ tablespaces: ["fast"] });
  const { server } = world;
  await server.sql("create table t (id int) tablespace fast; insert into t values (1)");
  await world.backup();
  await world.archived();
  const report = await world.run(await world.plan({ target: { kind: "immediate" } }));
  expect(report.outcome.message, said(report)).toMatch(done);
  await world.query(report, "delete from t; checkpoint");
  await server.sql("checkpoint");
  expect(await server.sql("select count(*) from t")).toBe("1");
  const inputs = await world.plan({ target: { kind: "immediate" } });
  const link = join(inputs.dataDirectory, "pg_tblspc", Object.keys(inputs.tablespaces)[0] ?? "");
  const production = join(server.directory, "tablespace-fast");
  const until = await world.run(inputs, {
    name: "R-link",
    runbook: (book) => ({ ...book, steps: book.steps.slice(0, 4) }),
  });
  expect(until.outcome.message, said(until)).toMatch(done);
  await rename(link, `${link}.was`);
  await symlink(production, link);
  const refused = await world.run(inputs, {
    name: "R-link-2",
    runbook: (book) => ({ ...book, steps: book.steps.filter((s) => s.id === "replay") }),
  });
  expect(refused.outcome.code, said(refused)).toBe("precondition-refused");
  expect(refused.outcome.message).toContain("must not be started");
  await unlink(link);
});

test("a dropped database comes back whole by its own transaction or the last commit before its drop", async () => {
  await using world = await recoveryWorld();
  const { server } = world;
  await server.sql("create database shop");
  await server.sql("create table orders (id int); insert into orders values (1)", "shop");
  await world.backup();
  const keep = await server.sql("insert into orders values (2) returning pg_current_xact_id()::text", "shop");
  await server.sql("drop database shop");
  const dropped = await server.sql("select pg_current_xact_id()::text::bigint - 1");
  await world.archived();
  const drop = { target: { kind: "xid", xid: Number(dropped) }, inclusive: false } as const;
  for (const inputs of [await world.plan(drop), await world.plan({ target: { kind: "xid", xid: Number(keep) } })]) {
    const report = await world.run(inputs);
    expect(report.outcome.message, said(report)).toMatch(done);
    expect(await world.query(report, "select count(*) from orders", "shop")).toBe("2");
  }
});

test("a scratch server is harmless: it archives nothing, listens nowhere and preloads no jobs", async () => {
  await using world = await recoveryWorld();
  const { server } = world;
  await server.sql("create table t (id int)");
  await world.backup();
  await world.archived();
  const before = (await server.sql("select archived_count from pg_stat_archiver")).trim();
  const report = await world.run(await world.plan({ target: { kind: "immediate" } }));
  expect(report.outcome.message, said(report)).toMatch(done);
  const settings = await world.query(
    report,
    "select current_setting('archive_mode'), current_setting('max_logical_replication_workers'), current_setting('primary_conninfo'), current_setting('listen_addresses')",
  );
  expect(settings).toMatch(/^off\|0\|\|(localhost|127\.0\.0\.1|)$/);
  await world.query(report, "insert into t values (1); select pg_switch_wal()");
  expect(await server.sql("select archived_count from pg_stat_archiver")).toBe(before);
});
