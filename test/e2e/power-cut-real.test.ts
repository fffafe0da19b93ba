import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { parseInstant, type Instant } from "../../src/domain/instant.ts";
import type { RecoveryInputs } from "../../src/domain/plan.ts";
import { renderReport } from "../../src/domain/report.ts";
import type { RecoveryPoint } from "../../src/domain/recovery-point.ts";
import type { Journal } from "../../src/ports/journal.ts";
import { cutAtBoundaries, killServer, PowerCut, type Cuts } from "../support/power-cut.ts";
import { recoveryWorld, type RecoveryWorld, type RunOptions, type RunReport } from "../support/recovery-world.ts";

/** What happens at the n-th cut: pgrescue alone dies, the server with it, or the server is also started again at boot. */
type Outage = (n: number) => "process" | "machine" | "reboot";

/** Every second time the machine: at the start of one step, at the end of the next. */
const everySecond: Outage = (n) => (Math.floor((n + 1) / 2) % 2 === 0 ? "machine" : "process");

async function now({ server }: RecoveryWorld): Promise<Instant> {
  const at = parseInstant(`${await server.sql("select clock_timestamp() at time zone 'utc'")}Z`);
  if (at === null) throw new Error("the server tells no time");
  return at;
}

/** Runs to the end, however often the power goes. */
async function playThrough(
  world: RecoveryWorld,
  inputs: RecoveryInputs,
  cuts: Cuts,
  outage: Outage,
  options: RunOptions & { readonly name: string },
): Promise<RunReport> {
  for (let n = 0; ; n++) {
    try {
      return await world.run(inputs, { ...options, journal: (journal) => cuts.wrap(journal) });
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    }
    const what = outage(n);
    if (what !== "process") await killServer(inputs.dataDirectory);
    // Whether it comes up is the directory's affair: there may be none, or half of one.
    if (what === "reboot") await world.server.start().catch(() => undefined);
  }
}

function expectWhole(report: RunReport, cuts: Cuts): void {
  const said = [cuts.places.join("\n"), JSON.stringify(report.outcome), ...report.state.log.map((line) => line.text)];
  expect(report.outcome.message, said.join("\n")).toMatch(/every step is done/);
  expect(report.state.steps.filter(({ status }) => !["done", "already-done", "skipped"].includes(status))).toEqual([]);
  const written = renderReport(report.state);
  for (const { plan } of report.state.steps) expect(written).toContain(plan.title);
  expect(written).not.toMatch(/not ended|cut off/);
}

async function pointsOf(world: RecoveryWorld): Promise<readonly RecoveryPoint[]> {
  const points: RecoveryPoint[] = [];
  for await (const point of (await world.world.repository("main")).points()) points.push(point);
  return points;
}

/** What lies beside the data directory: old, saved and put-aside directories. */
async function namesBeside(inputs: RecoveryInputs): Promise<readonly string[]> {
  const names = await readdir(dirname(inputs.dataDirectory));
  return names.filter((name) => /^(?:data|tablespace)/.test(name)).toSorted();
}

async function postmasterOf({ server }: RecoveryWorld): Promise<string | undefined> {
  return (await readFile(join(server.dataDirectory, "postmaster.pid"), "utf8")).split("\n")[0];
}

/** The timelines that the archive has a history of: one for each promotion. */
async function timelinesOf(world: RecoveryWorld): Promise<readonly number[]> {
  const { histories } = await (await world.world.repository("main")).wal("shop", world.systemIdentifier).inventory();
  return histories.map(({ timeline }) => timeline);
}

const reboots = [
  "start save-wal",
  "start move-aside",
  "start configure",
  "finish configure",
  "finish replay",
  "start promote",
  "finish promote",
  "start stop-fenced",
  "start tidy",
  "finish tidy",
  "start archiving",
  "finish fresh-backup",
];

for (const [name, outage, here] of [
  ["pgrescue killed at every boundary", () => "process"],
  ["the power cut at every boundary", everySecond],
  ["the server started at boot", () => "reboot", (place) => reboots.includes(place)],
] as readonly (readonly [string, Outage, ((place: string) => boolean)?])[]) {
  test(`in place, ${name}: exact data, one promotion, one backup, the old files kept once`, async () => {
    await using world = await recoveryWorld({ tablespaces: ["fast"] });
    const { server } = world;
    const hooks = join(world.directory, "hooks");
    const hook = (word: string): readonly string[] => ["/bin/sh", "-c", `echo ${word} >> ${hooks}`];
    await server.sql("create table orders (id int) tablespace fast; insert into orders select generate_series(1, 100)");
    await world.backup();
    await server.sql("insert into orders select generate_series(101, 150)");
    const time = await now(world);
    await server.sql("delete from orders where id <= 120");
    const inputs = await world.plan(
      { target: { kind: "time", time } },
      {
        method: "rewind-in-place",
        action: "pause",
        site: { stopApplication: hook("stop"), startApplication: hook("start") },
      },
    );
    const cuts = cutAtBoundaries(here);
    const report = await playThrough(world, inputs, cuts, outage, { name: "R-cut" });
    expectWhole(report, cuts);
    for (const { plan } of here === undefined ? report.state.steps : [])
      expect(cuts.places).toContain(`finish ${plan.id}`);

    expect(await server.sql("select count(*), sum(id) from orders")).toBe("150|11325");
    expect(await server.sql("select timeline_id from pg_control_checkpoint()")).toBe("2");
    await server.sql("insert into orders values (151)");
    await world.archived();
    expect(await timelinesOf(world)).toEqual([2]);
    expect((await pointsOf(world)).map((point) => point.timeline)).toEqual([1, 2]);
    expect(await readFile(hooks, "utf8")).toBe("stop\nstart\n");
    expect(await namesBeside(inputs)).toEqual([
      "data",
      expect.stringMatching(/^data\.old-/),
      expect.stringMatching(/^data\.wal-/),
      "tablespace-fast",
      "tablespace-fast.before-R-cut",
    ]);
  });
}

test("in place, the WAL of a server that came back at boot is saved again, and the target stays the one that was agreed", async () => {
  await using world = await recoveryWorld();
  const { server } = world;
  await server.sql("create table orders (id int); insert into orders values (1)");
  await world.backup();
  await server.sql("insert into orders values (2)");
  await server.stop("immediate");
  const inputs = await world.plan({ target: { kind: "latest" } }, { method: "rewind-in-place", action: "pause" });
  const cuts = cutAtBoundaries((place) => place === "start move-aside");
  const options = { name: "R-boot", journal: (journal: Journal) => cuts.wrap(journal) };
  await expect(world.run(inputs, options)).rejects.toBeInstanceOf(PowerCut);
  await server.start();
  await server.sql("insert into orders values (3)");
  const report = await world.run(inputs, options);
  expectWhole(report, cuts);
  expect(report.state.log.map((line) => line.text).join("\n")).toContain(
    "the server ran again after its WAL was saved",
  );
  expect(await server.sql("select string_agg(id::text, ',' order by id) from orders")).toBe("1,2");
  const saved = (await readdir(inputs.savedWal ?? "")).filter((name) => /^[0-9A-F]{24}$/.test(name));
  expect(saved).not.toEqual([]);
  for (const name of saved) {
    const old = await readFile(join(inputs.asideDirectory ?? "", "pg_wal", name));
    expect((await readFile(join(inputs.savedWal ?? "", name))).equals(old), name).toBe(true);
  }
});

test("in place, a boot before the restored files are configured starts nothing, whatever WAL came with them", async () => {
  await using world = await recoveryWorld();
  const { server } = world;
  await server.sql("create table orders (id int); insert into orders values (1)");
  // Stands for the one that managers of standbys set: with a recovery.signal alone such a boot would recover and promote.
  await server.sql(`alter system set restore_command = 'exit 1'`);
  await world.backup("local", "include");
  await server.sql("insert into orders values (2)");
  await world.archived();
  const inputs = await world.plan({ target: { kind: "latest" } }, { method: "rewind-in-place", action: "pause" });
  const cuts = cutAtBoundaries((place) => ["finish restore", "start configure"].includes(place));
  const options = { name: "R-early", journal: (journal: Journal) => cuts.wrap(journal) };
  for (const place of ["finish restore", "start configure"]) {
    await expect(world.run(inputs, options), place).rejects.toBeInstanceOf(PowerCut);
    await expect(server.start(), place).rejects.toThrow("recovery.conf");
  }
  expectWhole(await world.run(inputs, options), cuts);
  expect(await server.sql("select string_agg(id::text, ',' order by id) from orders")).toBe("1,2");
  expect(await timelinesOf(world)).toEqual([2]);
});

test("beside production, cut at every boundary: exact data, one promotion, and production is not touched", async () => {
  await using world = await recoveryWorld();
  const { server } = world;
  await server.sql("create table orders (id int); insert into orders select generate_series(1, 100)");
  await world.backup();
  await server.sql("insert into orders select generate_series(101, 150)");
  const time = await now(world);
  await server.sql("delete from orders where id <= 120");
  await world.archived();
  const inputs = await world.plan({ target: { kind: "time", time } });
  const pid = await postmasterOf(world);
  const cuts = cutAtBoundaries();
  const report = await playThrough(world, inputs, cuts, everySecond, { name: "R-scratch" });
  expectWhole(report, cuts);
  for (const { plan } of report.state.steps) expect(cuts.places).toContain(`finish ${plan.id}`);
  expect(await world.query(report, "select count(*), sum(id) from orders")).toBe("150|11325");
  expect(await world.query(report, "select timeline_id from pg_control_checkpoint()")).toBe("2");
  expect(await readdir(join(inputs.dataDirectory, "pg_wal"))).not.toContain("00000003.history");
  expect(await timelinesOf(world)).toEqual([]);
  expect(await postmasterOf(world)).toBe(pid);
  expect(await server.sql("select count(*) from orders")).toBe("30");
});

test("in place, abort says what stays, and an undo that is cut at every boundary swaps the old files back once", async () => {
  await using world = await recoveryWorld({ tablespaces: ["fast"] });
  const { server } = world;
  await server.sql("create table orders (id int) tablespace fast; insert into orders values (1)");
  await world.backup();
  const time = await now(world);
  await server.sql("insert into orders values (2)");
  await world.archived();
  const inputs = await world.plan({ target: { kind: "time", time } }, { method: "rewind-in-place", action: "pause" });
  const report = await world.run(inputs, {
    name: "R-undo",
    watch: (handle) => {
      void (async () => {
        for await (const event of handle.events()) {
          if (event.event === "step-started" && event.step === "replay")
            await handle.abort({ user: "tester", host: "here", pid: process.pid });
        }
      })();
    },
  });
  expect(report.outcome).toMatchObject({ result: "aborted", exitCode: 31 });
  expect(report.outcome.means).toMatch(/Nothing was removed\..*stays: Move the old data directory aside/);
  expect(report.outcome.means).toMatch(/may be half done \(it was cut off\): Replay WAL/);
  const cuts = cutAtBoundaries();
  const undone = await playThrough(world, inputs, cuts, everySecond, { name: "R-undo", task: "undo" });
  expect(undone.outcome.message, cuts.places.join("\n")).toBe("taken back");
  expect(cuts.places).toContain("finish undo move-aside");
  expect(await server.sql("select count(*) from orders")).toBe("2");
  expect(await server.sql("select timeline_id from pg_control_checkpoint()")).toBe("1");
  expect((await namesBeside(inputs)).map((name) => name.replace(/-.*/, ""))).toEqual([
    "data",
    "data.undone",
    "data.wal",
    "tablespace",
    "tablespace",
  ]);
});
