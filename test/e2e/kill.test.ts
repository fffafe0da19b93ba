import { access, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunEvent } from "../../src/domain/run/events.ts";
import { openShop, type Shop, type WatchedRun } from "../support/shop.ts";

/** How often each kind of run is killed; `npm run soak` asks for more. The seed makes a failure repeatable. */
const kills = Number(process.env["PGRESCUE_KILLS"] ?? 5);
const seed = Number(process.env["PGRESCUE_SEED"] ?? 1);

let shop: Shop;
/** Rows and a sum over their contents, in production before anything was killed. */
let exact: string;
const fingerprint = "select count(*), sum(hashtext(t::text)::bigint) from t";

beforeAll(async () => {
  shop = await openShop({ settings: { shared_buffers: "'64MB'" } });
  await shop.server.sql("create table t (id int, filler text)");
  await grow(1);
  await shop.must(0, "backup", "--no-input");
  // Something to replay, too.
  for (let part = 2; part < 4; part++) await grow(part);
  exact = await shop.server.sql(fingerprint);
  await shop.archived();
});
afterAll(async () => await shop?.[Symbol.asyncDispose]());

async function grow(part: number): Promise<void> {
  await shop.server.sql(
    `insert into t select g, md5(g::text) || md5((g * 7)::text) || md5((g * 13)::text) || md5((g * 17)::text) from generate_series(${part} * 80000, ${part} * 80000 + 79999) g`,
  );
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomFrom(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const isEvent =
  (name: RunEvent["event"], step?: string) =>
  (e: RunEvent): boolean =>
    e.event === name && (step === undefined || ("step" in e && e.step === step));

/** The run's name and its runner's pid. */
async function started(run: WatchedRun): Promise<{ readonly id: string; readonly pid: number }> {
  const event = await run.until(isEvent("started"));
  if (event?.event !== "started") throw new Error(`it never started: ${shop.printed.slice(-3).join("\n")}`);
  return { id: event.run, pid: event.pid };
}

/** kill -9 of a process and everything below it. */
async function killTree(root: number): Promise<void> {
  const parents = new Map<number, number>();
  for (const name of await readdir("/proc")) {
    const stat = /^\d+$/.test(name) ? await readFile(`/proc/${name}/stat`, "utf8").catch(() => "") : "";
    if (stat !== "") parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
  }
  const isBelow = (pid: number | undefined): boolean =>
    pid !== undefined && (pid === root || isBelow(parents.get(pid)));
  for (const pid of [root, ...[...parents.keys()].filter((p) => p !== root && isBelow(p))]) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It had ended by itself.
    }
  }
}

/** kill -9 of the server in a directory, as a power cut would. */
async function killServerOf(dataDirectory: string): Promise<void> {
  const pid = Number((await readFile(`${dataDirectory}/postmaster.pid`, "utf8").catch(() => "")).split("\n")[0]);
  if (pid > 0) await killTree(pid);
}

/** How long that run works when nobody kills it, in milliseconds. */
async function timed(...words: readonly string[]): Promise<number> {
  const run = shop.watch(...words);
  await started(run);
  const begun = performance.now();
  const end = await run.until(isEvent("ended"));
  expect(await run.ended, JSON.stringify(end)).toBe(0);
  return performance.now() - begun;
}

/** Starts a run, kills its runner with -9 at a moment, and gives its name; null when it had ended before. */
async function killAt(milliseconds: number, ...words: readonly string[]): Promise<string | null> {
  const run = shop.watch(...words);
  const { id, pid } = await started(run);
  await delay(milliseconds);
  await killTree(pid);
  const code = await run.ended;
  expect([0, 40]).toContain(code);
  return code === 0 ? null : id;
}

interface Point {
  readonly id: string;
  readonly status: string;
}

async function points(): Promise<readonly Point[]> {
  return (JSON.parse((await shop.must(0, "points", "--json")).stdout) as { readonly points: readonly Point[] }).points;
}

const okOf = (list: readonly Point[]): readonly string[] => list.filter((p) => p.status === "ok").map((p) => p.id);

/** Restores beside production and compares every row. */
async function expectExact(to: string, ...words: readonly string[]): Promise<void> {
  const { stdout } = await shop.must(0, ...words);
  try {
    expect(await shop.query(connectionIn(stdout), fingerprint)).toBe(exact);
  } finally {
    await shop.stopServerOf(to);
  }
}

function connectionIn(stdout: string): string {
  const { connection } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as { readonly connection: string };
  return connection;
}

describe(`killed with -9 at random moments, seed ${seed}`, () => {
  test(
    `a backup: no half of it is ever offered, and it goes on to a whole one (${kills} times)`,
    async () => {
      const random = randomFrom(seed);
      const duration = await timed("backup");
      for (let i = 0; i < kills; i++) {
        const before = okOf(await points());
        const moment = Math.round(random() * duration);
        const where = `kill ${i}, after ${moment} of ${Math.round(duration)} ms`;
        const cut = await killAt(moment, "backup");
        const after = await points();
        // Nothing is lost, and what was cut off is not offered.
        const grown = okOf(after).filter((id) => !before.includes(id));
        expect(okOf(after), where).toEqual(expect.arrayContaining([...before]));
        if (cut !== null) {
          // The last effect is the line that makes it a point: a cut after it leaves a whole one.
          await shop.must(0, "continue", cut, "--no-input");
        } else expect(grown, where).toHaveLength(1);
        const end = okOf(await points()).filter((id) => !before.includes(id));
        expect(end, where).toHaveLength(1);
        if (grown.length > 0) expect(end, where).toEqual(grown);
        await shop.must(0, "verify", end[0] ?? "", "--no-input");
      }
      const last = okOf(await points()).at(-1) ?? "";
      const to = shop.place("from-killed");
      await expectExact(to, "recover", "--latest", "--point", last, "--to", to, "--no-input", "--json");
      // No session of a dead runner keeps the server in backup mode.
      expect(
        await shop.server.sql("select count(*) from pg_stat_activity where application_name like 'pgrescue%'"),
      ).toBe("0");
    },
    60_000 + kills * 20_000,
  );

  test(
    `a restore, the server it started with it every other time: every row is there in the end (${kills} times)`,
    async () => {
      const random = randomFrom(seed + 1);
      const first = (await points())[0]?.id ?? "";
      const recover = (to: string) => ["recover", "--latest", "--point", first, "--to", to, "--no-input"] as const;
      const reference = shop.place("reference");
      const duration = await timed(...recover(reference));
      await shop.stopServerOf(reference);
      for (let i = 0; i < kills; i++) {
        const to = shop.place(`killed-${i}`);
        const moment = Math.round(random() * duration);
        const cut = await killAt(moment, ...recover(to));
        if (i % 2 === 1) await killServerOf(to);
        const where = `kill ${i}, after ${moment} of ${Math.round(duration)} ms`;
        if (cut !== null) {
          const { exit, stdout, stderr } = await shop.pgrescue("continue", cut, "--no-input", "--json");
          expect(exit, `${where}\n${stdout}${stderr}`).toBe(0);
          expect(await shop.query(connectionIn(stdout), fingerprint), where).toBe(exact);
        }
        await shop.stopServerOf(to);
      }
    },
    60_000 + kills * 20_000,
  );
});

describe("killed with -9", () => {
  test.each(["the runner alone", "the server, too"])("in the middle of replay, %s: it goes on", async (who) => {
    const to = shop.place(`replay-${who.length}`);
    const first = (await points())[0]?.id ?? "";
    const run = shop.watch("recover", "--latest", "--point", first, "--to", to, "--no-input");
    const { id, pid } = await started(run);
    await run.until(isEvent("step-started", "replay"));
    // Stopped as soon as its server is there: what it says comes to us too late to be sure that it is still at it.
    await expect
      .poll(
        () =>
          access(join(to, "postmaster.pid")).then(
            () => true,
            () => false,
          ),
        { interval: 10, timeout: 30_000 },
      )
      .toBe(true);
    process.kill(pid, "SIGSTOP");
    await killTree(pid);
    if (who !== "the runner alone") await killServerOf(to);
    expect(await run.ended).toBe(40);
    await expectExact(to, "continue", id, "--no-input", "--json");
  });

  // Last: afterwards production is another one.
  test.each(["move-aside", "restore", "promote"])(
    "in place, at the end of %s: it goes on, and production has every row",
    async (step) => {
      const words = ["recover", "--method", "rewind-in-place", "--latest", "--confirm", shop.confirm, "--no-input"];
      await shop.server.sql(`create table after_${step.replace("-", "_")} (id int)`);
      const run = shop.watch(...words);
      const { id, pid } = await started(run);
      await run.until(isEvent("step-finished", step));
      await killTree(pid);
      expect(await run.ended).toBe(40);
      await shop.must(0, "continue", id, "--confirm", shop.confirm, "--no-input");
      expect(await shop.server.sql(fingerprint)).toBe(exact);
      // The newest commit was only in pg_wal: it was saved and used.
      expect(await shop.server.sql(`select count(*) from after_${step.replace("-", "_")}`)).toBe("0");
      expect(await shop.server.sql("select pg_is_in_recovery()")).toBe("f");
      await shop.archived();
    },
  );
});
