import { spawn, type ChildProcess } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { parse, stringify } from "yaml";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pgrescue, programEnvironment, programScript } from "../support/program.ts";
import { openShop, shopSecret, type Shop } from "../support/shop.ts";

let shop: Shop;
/** A time of which the last one is long over, so that it is missed, and no other comes while the tests run. */
const yearly = "0 0 1 1 *";

beforeAll(async () => {
  shop = await openShop({ cluster: { policy: "short" } });
  await shop.server.sql("create table t as select n from generate_series(1, 100) n");
});

afterAll(async () => {
  await shop[Symbol.asyncDispose]();
});

async function schedule(...entries: readonly object[]): Promise<void> {
  const config = parse(await readFile(shop.configFile, "utf8")) as object;
  await writeFile(
    shop.configFile,
    stringify({
      ...config,
      policies: { short: { base: { last: 5 }, dump: { last: 5 } } },
      schedule: entries.map((entry) => ({ cluster: "shop", ...entry })),
    }),
  );
}

interface Point {
  readonly id: string;
  readonly kind: string;
  readonly status: string;
  readonly slot?: string;
}

async function points(): Promise<readonly Point[]> {
  return (JSON.parse((await shop.must(0, "points", "--json")).stdout) as { readonly points: readonly Point[] }).points;
}

test("a slot is taken once, however often it is asked for; a backup made by hand is nobody's slot", async () => {
  const slot = ["--slot", "2026-11-20T01:00Z", "--json"] as const;
  await shop.must(0, "backup", "--json");
  await shop.must(0, "backup", ...slot);
  expect((await points()).map((p) => p.slot)).toEqual([undefined, "base@2026-11-20T01:00:00Z"]);
  const again = await shop.must(0, "backup", ...slot);
  expect(JSON.parse(again.stdout)).toMatchObject({
    schema: "pgrescue.skipped/v1",
    slot: "base@2026-11-20T01:00:00Z",
    reason: expect.stringContaining("already"),
  });
  expect(await points()).toHaveLength(2);
  // Dumps have slots of their own, one database's apart from all.
  await shop.must(0, "backup", "--kind", "dump", ...slot);
  await shop.must(0, "backup", "--kind", "dump", "--database", "postgres", ...slot);
  await shop.must(0, "backup", "--kind", "dump", "--database", "postgres", ...slot);
  expect((await points()).filter((p) => p.kind === "dump").map((p) => p.slot)).toEqual([
    "dump@2026-11-20T01:00:00Z",
    "dump(postgres)@2026-11-20T01:00:00Z",
  ]);
  expect((await shop.must(2, "backup", "--slot", "tonight")).stderr).toContain("is not a time");
});

test("the job of a CronJob knows its slot by its name; one that was made by hand has none", async () => {
  const words = ["backup", "--kind", "dump", "--config", shop.configFile, "--json"];
  const job = `pgrescue-dump-${Date.UTC(2026, 10, 21, 1) / 60_000}`;
  for (const name of [job, job, "pgrescue-dump-by-hand"])
    expect((await pgrescue(words, { env: { PGRESCUE_JOB_NAME: name } })).exit).toBe(0);
  const slots = (await points()).filter((p) => p.kind === "dump").map((p) => p.slot);
  expect(slots.slice(2)).toEqual(["dump@2026-11-21T01:00:00Z", undefined]);
});

test("what was missed is caught up once; the exit code is that of the first that failed, and the others were done", async () => {
  await schedule(
    { backup: "dump", databases: ["gone"], at: yearly },
    { backup: "base", at: yearly },
    { backup: "dump", databases: ["postgres"], at: yearly, missed: "skip" },
    { expire: true, at: yearly },
    { check: true, at: yearly },
  );
  const before = (await points()).length;
  const first = await shop.must(30, "schedule", "--once");
  expect(first.stderr).toMatch(/shop-dump: ended with exit code 30/);
  expect(first.stderr).toMatch(/shop-base: done after/);
  expect(first.stderr).toMatch(/shop-expire: done after/);
  expect(first.stderr).toMatch(/shop-dump-2: the slot .* was missed; it is left out/);
  expect((await points()).filter((p) => p.slot?.startsWith("base@") === true)).toHaveLength(2);
  expect((await points()).length).toBe(before + 1);
  const second = await shop.must(30, "schedule", "--once");
  expect(second.stderr).not.toContain("shop-base");
  expect(second.stderr).not.toContain("shop-expire");
  expect((await points()).length).toBe(before + 1);
});

interface Running {
  readonly child: ChildProcess;
  readonly events: { event: string; entry: string; slot?: string; exitCode?: number }[];
  readonly ended: Promise<number | null>;
  until(what: string, count: number): Promise<void>;
}

function start(...words: readonly string[]): Running {
  const child = spawn(process.execPath, [programScript, "schedule", ...words, "--json", "--config", shop.configFile], {
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, to be killed as one: as root the scheduler works in a child.
    detached: true,
    cwd: "/",
    env: { ...programEnvironment(), AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "key" },
  });
  const events: Running["events"] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    shop.record(line);
    events.push(JSON.parse(line) as Running["events"][number]);
  });
  child.stderr.on("data", (chunk: Buffer) => shop.record(chunk.toString()));
  return {
    child,
    events,
    ended: once(child, "close").then(([code]) => code as number | null),
    until: async (what, count) =>
      expect
        .poll(() => events.filter((e) => e.event === what).length, { timeout: 40_000, interval: 50 })
        .toBeGreaterThanOrEqual(count),
  };
}

test("in the foreground it does what is due, says how it is, and ends cleanly with SIGTERM", async () => {
  await schedule({ name: "often", backup: "dump", databases: ["postgres"], at: "*/2 * * * * *" });
  const port = randomInt(20_000, 30_000);
  const running = start("--listen", `127.0.0.1:${port}`);
  await running.until("ended", 2);
  const slots = running.events.filter((e) => e.event === "ended").map((e) => e.slot);
  expect(new Set(slots).size).toBe(slots.length);
  expect(running.events.filter((e) => e.event === "ended").map((e) => e.exitCode)).toEqual(slots.map(() => 0));

  const health = await fetch(`http://127.0.0.1:${port}/healthz`);
  expect(health.status).toBe(200);
  expect(await health.json()).toMatchObject({ entries: [{ name: "often", last: { exitCode: 0 } }] });
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  expect(metrics).toContain('pgrescue_schedule_last_exit_code{entry="often"} 0');
  expect(metrics).toContain('pgrescue_repo_up{cluster="shop",repo="main"} 1');
  expect((await fetch(`http://127.0.0.1:${port}/etc/passwd`)).status).toBe(404);

  expect((await shop.must(11, "schedule")).stderr).toContain("a scheduler works from");
  await running.until("started", running.events.filter((e) => e.event === "started").length + 1);
  running.child.kill("SIGTERM");
  expect(await running.ended).toBe(0);
  const count = (await points()).length;
  await delay(2500);
  expect(await points()).toHaveLength(count);
  expect((await points()).filter((p) => p.status !== "ok")).toEqual([]);
});

test("killed and started again it catches up; the same slot is never taken twice", async () => {
  await schedule({ name: "often", backup: "dump", databases: ["postgres"], at: "*/5 * * * * *" });
  const first = start();
  await first.until("ended", 1);
  // The group: as root the scheduler works in a child of its own.
  process.kill(-(first.child.pid ?? 0), "SIGKILL");
  await first.ended;
  await delay(6000);
  const second = start();
  await second.until("missed", 1);
  await second.until("ended", 1);
  second.child.kill("SIGTERM");
  expect(await second.ended).toBe(0);
  const slots = (await points()).flatMap((p) => p.slot ?? []);
  expect(new Set(slots).size).toBe(slots.length);
});

test("told to stop while it still looks for what was missed, it stops what runs and begins nothing else", async () => {
  // A store that takes a question and never answers.
  const silent = createServer(() => undefined).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  // A slot that none of the tests before has taken.
  await schedule(
    { name: "first", backup: "dump", databases: ["postgres"], at: "0 0 2 1 *" },
    { name: "silent", cluster: "other", backup: "base", at: yearly },
  );
  const config = parse(await readFile(shop.configFile, "utf8")) as {
    clusters: { shop: object; other?: object };
    repositories: { [name: string]: object };
  };
  config.clusters.other = { ...config.clusters.shop, repositories: ["silent"] };
  config.repositories["silent"] = {
    url: "s3://bucket/other",
    endpoint: `http://127.0.0.1:${port}`,
    region: "us-east-1",
  };
  await writeFile(shop.configFile, stringify(config));
  const asked = once(silent, "connection");
  const running = start("--once");
  await running.until("started", 1);
  await asked;
  running.child.kill("SIGTERM");
  expect(await Promise.race([running.ended, delay(20_000, "still there")])).toBe(0);
  silent.close();
  expect(running.events.filter((e) => e.event === "started").map((e) => e.entry)).toEqual(["first"]);
  expect(running.events.filter((e) => e.event === "ended").map((e) => e.exitCode)).toEqual([143]);
});

test("bad input: no schedule, a time that is none, an address that is none; --dry-run starts nothing", async () => {
  await schedule({ backup: "base", at: "at night" });
  expect((await shop.must(2, "schedule", "--once")).stderr).toContain("is no schedule");
  await schedule({ backup: "base", copy: "main", at: yearly });
  expect((await shop.must(2, "schedule")).stderr).toContain("not exactly one of");
  await schedule({ backup: "base", at: "0 1 * * *", timeZone: "Europe/Berlin" });
  expect((await shop.must(2, "schedule", "--listen", "here")).stderr).toContain("is no address");
  const before = (await points()).length;
  const { stdout } = await shop.must(0, "schedule", "--dry-run");
  expect(stdout).toMatch(
    /shop-base: base backup of shop, next \d{4}-\d\d-\d\dT\d\d:00:00Z\n {4}\$ pgrescue backup --cluster shop --slot/,
  );
  expect(await points()).toHaveLength(before);
});

test("no secret is in anything that was printed", () => {
  for (const text of shop.printed) expect(text).not.toContain(shopSecret);
});
