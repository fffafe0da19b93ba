import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { parseInstant, type Instant } from "../../src/domain/instant.ts";
import type { RecoveryInputs } from "../../src/domain/plan.ts";
import type { RecoveryPoint } from "../../src/domain/recovery-point.ts";
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
}

async function pointsOf(world: RecoveryWorld): Promise<readonly RecoveryPoint[]> {
  const points: RecoveryPoint[] = [];
  for await (const point of (await world.world.repository("main")).points()) points.push(point);
  return points;
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
    const beside = (await readdir(dirname(inputs.dataDirectory))).filter((name) => /^data|^tablespace/.test(name));
    expect(beside.sort()).toEqual([
      "data",
      expect.stringMatching(/^data\.old-/),
      expect.stringMatching(/^data\.wal-/),
      "tablespace-fast",
      "tablespace-fast.before-R-cut",
    ]);
  });
}
