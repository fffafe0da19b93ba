import { chmod, mkdir, readFile, readdir, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseInstant, type Instant } from "../../src/domain/instant.ts";
import { freePort } from "../../src/adapters/postgres/throwaway-server.ts";
import { recoveryWorld, type RecoveryWorld, type RunReport } from "../support/recovery-world.ts";

const latest = { target: { kind: "latest" } } as const;

async function now({ server }: RecoveryWorld): Promise<Instant> {
  const at = parseInstant(`${await server.sql("select clock_timestamp() at time zone 'utc'")}Z`);
  if (at === null) throw new Error("the server tells no time");
  return at;
}

function saidBy(report: RunReport): string {
  return `${JSON.stringify(report.outcome)}\n${report.state.log.map((line) => line.text).join("\n")}`;
}

test("production is rewound: fenced, verified, promoted, archiving, backed up, and the application starts last", async () => {
  await using world = await recoveryWorld({ tablespaces: ["fast"] });
  const { server } = world;
  const hooks = join(world.directory, "hooks");
  const hook = (word: string): readonly string[] => ["/bin/sh", "-c", `echo ${word} >> ${hooks}`];
  await server.sql("create table orders (id int) tablespace fast; insert into orders select generate_series(1, 100)");
  await world.backup();
  await server.sql("insert into orders select generate_series(101, 150)");
  const time = await now(world);
  await server.sql("delete from orders");
  await world.archived();
  const inputs = await world.plan(
    { target: { kind: "time", time } },
    {
      method: "rewind-in-place",
      action: "pause",
      site: { stopApplication: hook("stop"), startApplication: hook("start") },
    },
  );
  const report = await world.run(inputs);
  expect(report.outcome.message, saidBy(report)).toMatch(/every step is done/);
  expect(await server.sql("select count(*) from orders")).toBe("150");
  expect(await server.sql("show archive_command")).not.toBe("");
  expect(await server.sql("select timeline_id from pg_control_checkpoint()")).toBe("2");
  expect(await readFile(hooks, "utf8")).toBe("stop\nstart\n");
  expect(await readFile(join(server.dataDirectory, "postgresql.auto.conf"), "utf8")).not.toMatch(
    /recovery_target|restore_command/,
  );
  expect((await world.run(inputs, { name: "R-again" }).catch(() => null))?.outcome.result).not.toBe("done");
  const points = [];
  for await (const point of (await world.world.repository("main")).points()) points.push(point);
  expect(points.map((point) => point.timeline)).toEqual([1, 2]);
  const aside = inputs.asideDirectory ?? "";
  expect(await readFile(join(aside, "PG_VERSION"), "utf8")).toMatch(/^\d+\n$/);
  const [oid = ""] = Object.keys(inputs.tablespaces);
  expect(await readlink(join(aside, "pg_tblspc", oid))).not.toBe(
    await readlink(join(server.dataDirectory, "pg_tblspc", oid)),
  );
});

test("without its server, latest keeps to the rewound history and says what it left", async () => {
  await using world = await recoveryWorld();
  const { server } = world;
  await server.sql("create table orders (id int); insert into orders select generate_series(1, 150)");
  await world.backup();
  await server.sql("insert into orders values (151)");
  const time = await now(world);
  await server.sql("delete from orders");
  await world.archived();
  const rewind = await world.plan({ target: { kind: "time", time } }, { method: "rewind-in-place", action: "pause" });
  const rewound = await world.run(rewind);
  expect(rewound.outcome.message, saidBy(rewound)).toMatch(/every step is done/);
  await server.stop("immediate");
  await rm(server.dataDirectory, { recursive: true });
  const inputs = await world.plan(latest);
  expect(inputs.target.timeline).toBe(2);
  expect(inputs.warnings.join()).toMatch(/timeline 1 holds commits until .*choose it with --target-timeline 1/);
  const report = await world.run(inputs);
  expect(report.outcome.message, saidBy(report)).toMatch(/every step is done/);
  expect(await world.query(report, "select count(*) from orders")).toBe("151");
});

test("the last commits, which only the crashed server's pg_wal has, come back with latest", async () => {
  await using world = await recoveryWorld();
  const { server } = world;
  await server.sql("create table orders (id int); insert into orders values (1)");
  await world.backup();
  await world.archived();
  await server.sql("insert into orders values (2)");
  await server.stop("immediate");
  const inputs = await world.plan(latest, { method: "rewind-in-place", action: "pause" });
  const report = await world.run(inputs);
  expect(report.outcome.message, saidBy(report)).toMatch(/every step is done/);
  expect(await server.sql("select string_agg(id::text, ',' order by id) from orders")).toBe("1,2");
});

test("undo swaps the old directory, its tablespaces and its linked pg_wal back, keeping what was restored", async () => {
  await using world = await recoveryWorld({ tablespaces: ["fast"] });
  const { server } = world;
  await server.sql("create table orders (id int) tablespace fast; insert into orders values (1)");
  await world.backup();
  const walDirectory = join(world.directory, "wal-disk");
  await server.stop();
  await rename(join(server.dataDirectory, "pg_wal"), walDirectory);
  await symlink(walDirectory, join(server.dataDirectory, "pg_wal"));
  await server.start();
  const time = await now(world);
  await server.sql("insert into orders values (2)");
  await world.archived();
  const inputs = await world.plan({ target: { kind: "time", time } }, { method: "rewind-in-place", action: "pause" });
  const broken = { ...inputs, site: { ...inputs.site, checks: [{ name: "impossible", sql: "select false" }] } };
  const report = await world.run(broken, { name: "R-undo" });
  expect(report.outcome.code, saidBy(report)).toBe("verification-failed");
  expect(await world.query(report, "select count(*) from orders")).toBe("1");
  expect(await readlink(join(server.dataDirectory, "pg_wal"))).toBe(walDirectory);
  const undone = await world.run(broken, { name: "R-undo", task: "undo" });
  expect(undone.outcome.message, saidBy(undone)).toBe("taken back");
  expect(await server.sql("select count(*) from orders")).toBe("2");
  expect(await readlink(join(server.dataDirectory, "pg_wal"))).toBe(walDirectory);
  expect((await readdir(join(server.dataDirectory, ".."))).some((name) => name.startsWith("data.undone-"))).toBe(true);
});

test("a missing data directory on a fresh host is brought back, with configuration from the catalog", async () => {
  await using world = await recoveryWorld();
  const { server } = world;
  const etc = join(world.directory, "etc");
  await mkdir(etc);
  await server.sql("create table orders (id int); insert into orders values (1)");
  await server.stop();
  for (const name of ["postgresql.conf", "pg_hba.conf", "pg_ident.conf"])
    await rename(join(server.dataDirectory, name), join(etc, name));
  await writeFile(
    join(etc, "postgresql.conf"),
    `${await readFile(join(etc, "postgresql.conf"), "utf8")}\ndata_directory = '${server.dataDirectory}'\nhba_file = '${etc}/pg_hba.conf'\nident_file = '${etc}/pg_ident.conf'\n`,
  );
  const start = [
    `${server.bin}/pg_ctl`,
    "-D",
    server.dataDirectory,
    "-w",
    "-l",
    server.logFile,
    "-o",
    `-c config_file=${etc}/postgresql.conf`,
    "start",
  ];
  await server.run(start);
  await world.backup();
  await server.sql("insert into orders values (2)");
  await world.archived();
  await server.stop();
  await rm(server.dataDirectory, { recursive: true });
  await rm(etc, { recursive: true });
  const port = await freePort();
  const inputs = await world.plan(latest, { method: "rewind-in-place", action: "pause", site: { port } });
  const report = await world.run(inputs);
  // The backup goes to the port of the configuration, which in this world stays the old one.
  expect(report.outcome.message, saidBy(report)).toMatch(/every step is done|done, except: Take a fresh base backup$/);
  const postmaster = (await readFile(join(server.dataDirectory, "postmaster.pid"), "utf8")).split("\n");
  expect(postmaster[3]).toBe(String(port));
  expect(await readFile(join(server.dataDirectory, "postgresql.conf"), "utf8")).toContain("# data_directory");
  expect(report.state.log.some((line) => line.text.includes("comes from the backup's catalog"))).toBe(true);
  expect(await world.query(report, "select count(*) from orders")).toBe("2");
});

test("a directory of another system is refused before anything is changed", async () => {
  await using world = await recoveryWorld();
  await using other = await recoveryWorld();
  await world.backup();
  await world.archived();
  const inputs = await world.plan(latest, { method: "rewind-in-place", action: "pause" });
  const wrong = await world.run({ ...inputs, dataDirectory: other.server.dataDirectory });
  expect(wrong.outcome.code).toBe("precondition-refused");
  expect(wrong.outcome.message).toContain(other.systemIdentifier);
  expect(await other.server.sql("select 1")).toBe("1");
});

test("sessions that outstay the hook are named and ended; damaged WAL stops replay unpromoted, and continue goes on", async () => {
  await using world = await recoveryWorld();
  const { server } = world;
  await server.sql("create table orders (id int); insert into orders values (1)");
  await world.backup();
  await server.sql("insert into orders values (2)");
  const segment = await world.archived();
  const stay = server.sql("select pg_sleep(60)").catch((error: unknown) => String(error));
  const inputs = await world.plan(latest, { method: "rewind-in-place", action: "pause" });
  const stored = join(
    world.repositoryDirectory,
    "shop",
    world.systemIdentifier,
    "wal",
    segment.slice(0, 16),
    `${segment}.zst`,
  );
  const sound = await readFile(stored);
  await writeFile(stored, sound.subarray(0, sound.length - 20));
  const first = await world.run(inputs, { name: "R-damaged" });
  expect(await stay).toMatch(/terminating connection|server closed/);
  expect(first.state.log.some((line) => line.text.startsWith("ending the session of postgres"))).toBe(true);
  expect(first.outcome.result, saidBy(first)).toBe("failed");
  expect(first.state.recorded["promoted"]).toBeUndefined();
  await writeFile(stored, sound);
  const second = await world.run(inputs, { name: "R-damaged" });
  expect(second.outcome.message, saidBy(second)).toMatch(/every step is done/);
  expect(await server.sql("select count(*) from orders")).toBe("2");
  const again = await world.run(inputs, { name: "R-damaged" });
  expect(again.outcome.message, saidBy(again)).toMatch(/every step is done/);
});

test("where the directory itself cannot be renamed its contents move, and undo brings them back", async () => {
  await using world = await recoveryWorld();
  const { server } = world;
  await server.sql("create table orders (id int); insert into orders values (1)");
  await world.backup();
  const time = await now(world);
  await server.sql("insert into orders values (2)");
  await world.archived();
  const inputs = await world.plan({ target: { kind: "time", time } }, { method: "rewind-in-place", action: "pause" });
  await chmod(server.directory, 0o555);
  await using _writable = { [Symbol.asyncDispose]: () => chmod(server.directory, 0o755) };
  const failing = { ...inputs, site: { ...inputs.site, checks: [{ name: "impossible", sql: "select false" }] } };
  const report = await world.run(failing, { name: "R-mount" });
  expect(report.outcome.code, saidBy(report)).toBe("verification-failed");
  expect(await world.query(report, "select count(*) from orders")).toBe("1");
  expect(await readdir(server.dataDirectory)).toContain(".pgrescue-before-R-mount");
  const undone = await world.run(failing, { name: "R-mount", task: "undo" });
  expect(undone.outcome.message, saidBy(undone)).toBe("taken back");
  expect(await server.sql("select count(*) from orders")).toBe("2");
});
