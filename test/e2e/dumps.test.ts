import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { zstdDecompressSync } from "node:zlib";
import type { DumpCatalog } from "../../src/domain/dump.ts";
import { parse, stringify } from "yaml";
import { newRepository } from "../support/new-repository.ts";
import { giveToServer, startServer } from "../support/server.ts";
import { openShop, shopSecret, type Shop } from "../support/shop.ts";

let shop: Shop;

const tables = `
create role clerk login password 'clerks-password';
create database "odd name = x'y" template template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C';
create database shop owner clerk;
`;

const content = `
create schema sales authorization clerk;
create table sales.orders (id bigint primary key, note text, at timestamptz default '2026-01-02 03:04:05+00', price numeric, tags text[]);
insert into sales.orders select n, 'order ' || n, '2026-01-02 03:04:05+00'::timestamptz + n * interval '1 minute', n / 7.0, array['a', n::text] from generate_series(1, 5000) n;
create table sales.parts (id int, what text) partition by range (id);
create table sales.parts_low partition of sales.parts for values from (0) to (100);
create table sales.parts_high partition of sales.parts for values from (100) to (1000);
insert into sales.parts select n, 'part ' || n from generate_series(1, 300) n;
create table "Strange.Name" ("weird ""column" text, link oid, kind regclass);
insert into "Strange.Name" values ('x', 42, 'sales.orders'), ('x', 42, 'sales.orders');
create table empty ();
`;

beforeAll(async () => {
  shop = await openShop();
  for (const statement of tables.trim().split("\n")) await shop.server.sql(statement);
  await shop.query(connection("shop"), content);
});

afterAll(async () => {
  await shop[Symbol.asyncDispose]();
});

function connection(database: string): string {
  return `host=127.0.0.1 port=${shop.server.port} user=postgres dbname=${database}`;
}

interface Point {
  readonly id: string;
  readonly kind: string;
  readonly status: string;
  readonly databases?: readonly string[];
  readonly systemIdentifier: string;
}

async function points(): Promise<readonly Point[]> {
  const { stdout } = await shop.must(0, "points", "--json");
  return (JSON.parse(stdout) as { readonly points: readonly Point[] }).points;
}

async function catalogOf(id: string, name: string): Promise<DumpCatalog> {
  const bytes = await readFile(join(shop.repository, "shop", "dump", id, `${name}.catalog.json.zst`));
  return JSON.parse(zstdDecompressSync(bytes).toString()) as DumpCatalog;
}

test("every database is dumped with roles, exact rows and fingerprints, and stock pg_restore reads it", async () => {
  await shop.must(0, "backup", "--kind", "dump", "--fingerprint", "--json");
  const [point] = await points();
  expect(point).toMatchObject({
    kind: "dump",
    status: "ok",
    databases: ["odd name = x'y", "postgres", "shop"],
    systemIdentifier: await shop.server.sql("select system_identifier from pg_control_system()"),
  });
  const id = point?.id ?? "";
  const folder = join(shop.repository, "shop", "dump", id);
  const oid = await shop.server.sql("select oid from pg_database where datname like 'odd%'");
  expect((await readdir(folder)).sort()).toEqual(
    [
      "begin.json",
      "dump.json",
      "globals.sql.zst",
      `oid-${oid}.catalog.json.zst`,
      `oid-${oid}.dump`,
      "postgres.catalog.json.zst",
      "postgres.dump",
      "shop.catalog.json.zst",
      "shop.dump",
    ].sort(),
  );
  const globals = zstdDecompressSync(await readFile(join(folder, "globals.sql.zst"))).toString();
  expect(globals).toContain("CREATE ROLE clerk");
  expect(globals).toContain("SCRAM-SHA-256");
  const { stdout: listing } = await promisify(execFile)(join(shop.server.bin, "pg_restore"), [
    "--list",
    join(folder, "shop.dump"),
  ]);
  expect(listing).toContain("TABLE DATA sales orders clerk".replace("clerk", "postgres"));

  const catalog = await catalogOf(id, "shop");
  expect(catalog).toMatchObject({ database: "shop", owner: "clerk", encoding: "UTF8", largeObjects: 0 });
  const rows = catalog.tables.map((t) => [t.schema, t.name, t.kind, t.rows, t.leftOut]);
  expect(rows).toEqual([
    ["public", "Strange.Name", "table", 2, ["link", "kind"]],
    ["public", "empty", "table", 0, []],
    ["sales", "orders", "table", 5000, []],
    ["sales", "parts_high", "partition", 201, []],
    ["sales", "parts_low", "partition", 99, []],
  ]);
  expect(catalog.tables.map((t) => t.fingerprint)).toSatisfy((all: (string | null)[]) =>
    all.every((f) => /^[0-9a-f]{32}$/.test(f ?? "")),
  );
});

test("the commands of docs/repository-format.md bring a dump up with stock tools alone", async () => {
  await using other = await startServer();
  const text = await readFile(new URL("../../docs/repository-format.md", import.meta.url), "utf8");
  const commands = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].at(-1)?.[1] ?? "";
  expect(commands).toContain("pg_restore --create");
  const env = {
    B: join(shop.repository, "shop", "dump", (await points())[0]?.id ?? ""),
    PGHOST: other.socketDirectory,
    PGPORT: String(other.port),
    PGUSER: "postgres",
    PATH: `${other.bin}:${process.env["PATH"] ?? ""}`,
  };
  const { stderr } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", commands], { env });
  // The only role that was there already.
  expect(stderr.match(/ERROR/g)?.length ?? 0, stderr).toBe(1);
  const shopThere = `host=${other.socketDirectory} port=${other.port} user=postgres dbname=shop`;
  expect(await shop.query(shopThere, "select count(*) from sales.orders")).toBe("5000");
});

test("a fingerprint does not depend on the order of rows and sees every change, twins included", async () => {
  const before = await catalogOf((await points())[0]?.id ?? "", "shop");
  const of = (catalog: DumpCatalog, name: string): string | null =>
    catalog.tables.find((t) => t.name === name)?.fingerprint ?? null;
  await shop.query(
    connection("shop"),
    `alter database shop set datestyle = 'German'; alter database shop set timezone = 'Asia/Tokyo'; alter database shop set bytea_output = 'escape';
     create table moved as select * from sales.orders order by id desc; delete from sales.orders; insert into sales.orders select * from moved; drop table moved;
     delete from "Strange.Name" where ctid = (select min(ctid) from "Strange.Name");
     update sales.parts set what = 'other' where id = 7;`,
  );
  await shop.must(0, "backup", "--kind", "dump", "--fingerprint", "--database", "shop", "--json");
  const last = (await points()).at(-1);
  expect(last?.databases).toEqual(["shop"]);
  const after = await catalogOf(last?.id ?? "", "shop");
  expect(of(after, "orders")).toBe(of(before, "orders"));
  expect(of(after, "parts_high")).toBe(of(before, "parts_high"));
  expect(of(after, "parts_low")).not.toBe(of(before, "parts_low"));
  // Two equal rows are not nothing, and one of them is not two.
  expect(of(before, "Strange.Name")).not.toBe("0".repeat(32));
  expect(of(after, "Strange.Name")).not.toBe(of(before, "Strange.Name"));
});

test("filters choose a part, and only that is counted", async () => {
  await shop.must(0, "backup", "--kind", "dump", "--database", "shop", "--table", "sales.parts*", "--json");
  const catalog = await catalogOf((await points()).at(-1)?.id ?? "", "shop");
  expect(catalog.tables.map((t) => [t.name, t.rows])).toEqual([
    ["parts_high", 201],
    ["parts_low", 99],
  ]);
});

test("verify reads a dump back and finds damage", async () => {
  const id = (await points())[0]?.id ?? "";
  expect((await shop.must(0, "verify", id)).stdout).toContain("[ OK ] every object is as it was written");
  const file = join(shop.repository, "shop", "dump", id, "shop.dump");
  const whole = await readFile(file);
  await writeFile(file, Buffer.concat([whole.subarray(0, 5000), Buffer.from("x"), whole.subarray(5001)]));
  expect((await shop.must(50, "verify", id)).stdout).toContain("shop.dump is not what was written");
  await writeFile(file, whole);
});

test("a database that cannot be dumped fails the run and is named; the others are kept", async () => {
  await shop.query(connection("postgres"), "create table kept as select 1");
  const session = shop.query(connection("shop"), "begin; lock table sales.orders; select pg_sleep(8)");
  const { stderr, exit } = await shop.pgrescue("backup", "--kind", "dump", "--lock-timeout", "1s");
  await session.catch(() => undefined);
  expect(exit).not.toBe(0);
  expect(stderr).toContain("shop could not be dumped");
  const last = (await points()).at(-1);
  expect(last?.databases).toEqual(["odd name = x'y", "postgres"]);
});

test("what cannot be is said with the way out, before anything is written", async () => {
  const before = await points();
  expect((await shop.must(30, "backup", "--kind", "dump", "--database", "shops")).stderr).toContain(
    "did you mean shop?",
  );
  expect((await shop.must(2, "backup", "--kind", "dump", "--source", "local")).stderr).toContain(
    "--source means nothing for a dump",
  );
  expect((await shop.must(2, "backup", "--database", "shop")).stderr).toContain("Add --kind dump");
  expect((await shop.must(2, "backup", "--kind", "dump", "--compress", "rm -rf")).stderr).toContain("gzip:6");
  const { stdout } = await shop.must(0, "backup", "--kind", "dump", "--dry-run");
  expect(stdout).toContain("dump all databases of shop with roles and tablespaces");
  expect(await points()).toEqual(before);
});

test("dumps are copied byte for byte, and expire by their own policy", async () => {
  const config = parse(await readFile(shop.configFile, "utf8")) as {
    readonly clusters: { readonly shop: object };
    readonly repositories: object;
  };
  const second = join(shop.directory, "second");
  await mkdir(second, { mode: 0o700 });
  await newRepository(second);
  await giveToServer(second);
  await writeFile(
    shop.configFile,
    stringify({
      ...config,
      clusters: { shop: { ...config.clusters.shop, policy: "short" } },
      repositories: { ...config.repositories, second: { url: `file://${second}` } },
      policies: { short: { dump: { last: 1 }, base: { last: 1 } } },
    }),
  );
  const [oldest] = await points();
  await shop.must(0, "copy", "--to", "second", "--point", oldest?.id ?? "", "--json");
  const folders = [shop.repository, second].map((place) => join(place, "shop", "dump", oldest?.id ?? ""));
  const [here = [], there = []] = await Promise.all(folders.map(async (folder) => (await readdir(folder)).sort()));
  expect(there).toEqual(here);
  const last = (await points()).at(-1)?.id;
  expect((await shop.must(0, "expire")).stdout).toContain("shop in main, dumps, by policy short");
  await shop.must(0, "expire", "--apply", "--json");
  expect((await points()).map((p) => p.id)).toEqual([last]);
});

test("no password is in anything that was printed", () => {
  for (const text of shop.printed) expect(text).not.toContain(shopSecret);
});
