import { readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { openShop, type Shop } from "../support/shop.ts";

let shop: Shop;

beforeAll(async () => {
  shop = await openShop();
  await shop.server.sql("create table releases (name text); insert into releases values ('4710')");
  await shop.must(0, "backup");
});

afterAll(async () => {
  await shop[Symbol.asyncDispose]();
});

test("a mark is archived when it is said, and the server goes back to it", async () => {
  const marked = await shop.must(0, "mark", "before-release-4711");
  expect(marked.stdout).toBe("pgrescue recover --target-name before-release-4711");
  expect(marked.stderr).toMatch(
    /before-release-4711 is at 0\/[0-9A-F]+, .*waiting for [0-9A-F]{24} in main\narchived in main/,
  );
  await shop.server.sql("delete from releases");
  await shop.archived();
  const to = shop.place("marked");
  const { stdout } = await shop.must(0, "recover", "--target-name", "before-release-4711", "--to", to, "--headless");
  expect(await shop.query(stdout.trim(), "select name from releases")).toBe("4710");
  await shop.stopServerOf(to);
});

test("with several clusters the way back names the one that was marked", async () => {
  const text = await readFile(shop.configFile, "utf8");
  const config = parse(text) as { clusters: object };
  const clusters = { ...config.clusters, other: { repositories: ["main"] } };
  await writeFile(shop.configFile, stringify({ ...config, clusters }));
  const { stdout } = await shop.must(0, "mark", "before-release-4712", "--cluster", "shop");
  expect(stdout).toBe("pgrescue recover --cluster shop --target-name before-release-4712");
  await writeFile(shop.configFile, text);
});

test("--dump takes a dump with the mark's name, and --json says both in one document", async () => {
  await shop.server.sql("create database small");
  await shop.server.sql("create table t as select n from generate_series(1, 10) n", "small");
  const { stdout } = await shop.must(0, "mark", "before migration", "--dump", "small", "--json");
  const mark = JSON.parse(stdout) as {
    lsn: string;
    at: string;
    segment: string;
    dump: { outcome: { result: string } };
  };
  expect(mark).toMatchObject({
    schema: "pgrescue.mark/v1",
    name: "before migration",
    repositories: ["main"],
    unknown: [],
    dump: { outcome: { result: "done" } },
  });
  expect(mark.segment).toMatch(/^[0-9A-F]{24}$/);
  const { points } = JSON.parse((await shop.must(0, "points", "--json")).stdout) as {
    points: { kind: string; label?: string; databases?: string[] }[];
  };
  expect(points.find(({ kind }) => kind === "dump")).toMatchObject({ databases: ["small"] });
});

test("--dry-run changes nothing, and names that PostgreSQL would refuse are refused before it is asked", async () => {
  const segment = (): Promise<string> => shop.server.sql("select pg_walfile_name(pg_current_wal_insert_lsn())");
  const before = await segment();
  expect((await shop.must(0, "mark", "x", "--dry-run")).stderr).toContain("would write restore point x");
  // The server itself may write a record at any time, but it ends no segment, and knows no such name afterwards.
  expect(await segment()).toBe(before);
  await shop.archived();
  const to = shop.place("never");
  expect((await shop.pgrescue("recover", "--target-name", "x", "--to", to, "--dry-run")).exit).toBe(20);
  expect((await shop.must(2, "mark", "x".repeat(64))).stderr).toContain("1 to 63 bytes");
  expect((await shop.must(2, "mark", "a", "--timeout", "soon")).stderr).toContain("not a duration");
});

test("a mark that the archive does not get fails, with what the archiver says", async () => {
  await shop.server.sql("alter system set archive_command = 'false'");
  await shop.server.sql("select pg_reload_conf()");
  const { stderr } = await shop.must(40, "mark", "lost", "--timeout", "3s");
  expect(stderr).toMatch(/did not reach main in time: archive_command failed on [0-9A-F]{24}/);
  expect(stderr).toContain("Do not rely on the mark until then");
  await shop.server.sql("alter system reset archive_command");
  await shop.server.sql("select pg_reload_conf()");
});
