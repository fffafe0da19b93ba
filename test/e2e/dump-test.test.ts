import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { openShop, type Shop } from "../support/shop.ts";

let shop: Shop;

beforeAll(async () => {
  shop = await openShop();
  await shop.server.sql("create role seller");
  for (const name of ["shop", "billing"]) {
    await shop.server.sql(`create database ${name} owner seller`);
    await shop.server.sql(
      "create table lines as select n, md5(n::text) as text from generate_series(1, 20000) n",
      name,
    );
    await shop.server.sql("alter table lines owner to seller", name);
  }
  await shop.must(0, "backup", "--kind", "dump", "--fingerprint");
});

afterAll(async () => {
  await shop[Symbol.asyncDispose]();
});

interface Run {
  readonly id: string;
  readonly kind: string;
  readonly outcome: { readonly result: string };
  readonly verdicts: readonly { readonly check: string; readonly title: string; readonly result: string }[];
}

test("a dump is restored into a server made for it, each database compared, and nothing stays", async () => {
  expect((await shop.pgrescue("check", "--json")).stdout).toContain("no restore of a dump was ever tested here");
  const run = JSON.parse((await shop.must(0, "verify", "dump", "--restore", "--json")).stdout) as Run;
  expect(run.kind).toBe("verify");
  const passed = run.verdicts.filter(({ result }) => result === "pass").map(({ check }) => check);
  for (const name of ["billing", "postgres", "shop"]) expect(passed).toContain(`dump.load(${name})`);
  for (const name of ["billing", "shop"]) expect(passed).toContain(`dump.fingerprints(${name})`);
  expect(await readdir(shop.scratchDirectory)).toEqual([]);
  // It counts as a test of dumps, and not as one of base backups.
  const { stdout } = await shop.pgrescue("check", "--json");
  expect(stdout).toContain("a dump's restore test");
  expect(stdout).toContain("no restore was ever tested here");
});

test("one that is damaged fails, the others are tried all the same, and the server stays to be looked at", async () => {
  const folder = join(shop.repository, "shop", "dump");
  const [id = ""] = await readdir(folder);
  const archive = join(folder, id, "billing.dump");
  const whole = await readFile(archive);
  const damaged = Buffer.from(whole);
  damaged.fill(0, whole.length >> 1, (whole.length >> 1) + 64);
  await writeFile(archive, damaged);
  const failed = await shop.pgrescue("verify", id, "--restore", "--to", shop.place("damaged"), "--json");
  expect(failed.exit).toBe(50);
  const run = JSON.parse(failed.stdout) as Run;
  expect(run.outcome.result).toBe("failed");
  const of = (name: string) =>
    run.verdicts.filter(({ title }) => title.startsWith(`${name}: `)).map(({ result }) => result);
  expect(of("billing")).toContain("fail");
  expect(of("shop")).not.toContain("fail");
  expect(existsSync(join(shop.place("damaged"), "data", "postmaster.pid"))).toBe(true);
  // With whole bytes the run goes on with a new server, and cleans up.
  await writeFile(archive, whole);
  await shop.must(0, "continue", run.id, "--headless");
  expect(existsSync(shop.place("damaged"))).toBe(false);
});

test("a directory with something in it is refused, and one database can be chosen", async () => {
  const refused = await shop.must(30, "verify", "dump", "--restore", "--to", shop.server.dataDirectory);
  expect(refused.stderr).toContain("is not empty");
  const run = JSON.parse(
    (await shop.must(0, "verify", "dump", "--restore", "--database", "shop", "--json")).stdout,
  ) as Run;
  expect(run.verdicts.every(({ title }) => title.startsWith("shop: "))).toBe(true);
});

test("a backup is proven when it is taken, base and dump, and its document says so", async () => {
  const base = JSON.parse((await shop.must(0, "backup", "--verify", "restore", "--json")).stdout) as Run & {
    verification: Run & { verdicts: readonly { check: string; result: string }[] };
  };
  expect(base.kind).toBe("backup");
  expect(base.verification).toMatchObject({ kind: "verify", outcome: { result: "done" } });
  expect(base.verification.verdicts.find(({ check }) => check === "amcheck")?.result).toBe("pass");
  const dump = await shop.must(0, "backup", "--kind", "dump", "--database", "shop", "--verify", "restore", "--json");
  expect((JSON.parse(dump.stdout) as typeof base).verification.kind).toBe("verify");
  expect(await readdir(shop.scratchDirectory)).toEqual([]);
  // Nowhere to restore to: the backup is there all the same, and that it is not proven is an error.
  const config = parse(await readFile(shop.configFile, "utf8")) as { clusters: { shop: Record<string, unknown> } };
  delete config.clusters.shop["scratch"];
  await writeFile(shop.configFile, stringify(config));
  const { stderr } = await shop.must(30, "backup", "--verify", "restore", "--headless");
  expect(stderr).toMatch(/-base was taken, and could not be tested: it is not said where to restore to/);
});
