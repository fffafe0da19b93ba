import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openShop, shopSecret, type Shop } from "../support/shop.ts";
import { startServer } from "../support/server.ts";

let shop: Shop;

const content = `
create extension if not exists plpgsql;
create schema sales authorization clerk;
set role clerk;
create table sales.orders (id bigint generated always as identity primary key, note text, price numeric, at timestamptz);
insert into sales.orders (note, price, at) select 'order ' || n, n / 7.0, '2026-01-02 03:04:05+00'::timestamptz + n * interval '1 minute' from generate_series(1, 20000) n;
create table sales.lines (order_id bigint references sales.orders, n int, primary key (order_id, n));
insert into sales.lines select 1 + n % 20000, n from generate_series(1, 40000) n;
create view sales.totals as select count(*) from sales.orders;
grant select on sales.orders to reader;
reset role;
create table links (what regclass, it oid);
insert into links values ('sales.orders', 7);
`;

beforeAll(async () => {
  shop = await openShop();
  await shop.server.sql("create role clerk login password 'clerks-secret-password'");
  await shop.server.sql("create role reader");
  await shop.server.sql("create database shop owner clerk");
  await shop.query(to("shop"), content);
  await shop.must(0, "backup", "--kind", "dump", "--fingerprint", "--database", "shop", "--json");
});

afterAll(async () => {
  await shop[Symbol.asyncDispose]();
});

function to(database: string): string {
  return `host=127.0.0.1 port=${shop.server.port} user=postgres dbname=${database}`;
}

interface RunDocument {
  readonly id: string;
  readonly outcome: { readonly result: string; readonly message: string };
  readonly connection: string | null;
  readonly verdicts: readonly { readonly check: string; readonly result: string; readonly evidence: string }[];
}

async function recover(exit: number, ...words: readonly string[]): Promise<RunDocument> {
  return JSON.parse((await shop.must(exit, "recover", ...words, "--json")).stdout) as RunDocument;
}

function verdictOf(run: RunDocument, check: string): string {
  const found = run.verdicts.find((v) => v.check === check);
  return found === undefined ? "none" : `${found.result}: ${found.evidence}`;
}

test("a dump becomes a new database, proven by rows and fingerprints of its own snapshot", async () => {
  await shop.query(to("shop"), "delete from sales.lines where n % 2 = 0");
  const run = await recover(0, "--into", "shop", "--database", "shop_copy");
  expect(run.outcome.result).toBe("done");
  expect(verdictOf(run, "dump.rows")).toBe("pass: 3 tables, 60001 rows, exactly");
  expect(verdictOf(run, "dump.fingerprints")).toMatch(/^pass: 3 tables have the same content; 2 columns/);
  expect(verdictOf(run, "dump.load")).toMatch(/^pass/);
  expect(run.connection).toContain("dbname=shop_copy");
  expect(await shop.query(run.connection ?? "", "select count(*) from sales.lines")).toBe("40000");
  expect(await shop.query(to("shop_copy"), "select tableowner from pg_tables where schemaname = 'sales' limit 1")).toBe(
    "clerk",
  );
  expect(
    await shop.query(to("postgres"), "select pg_get_userbyid(datdba) from pg_database where datname = 'shop_copy'"),
  ).toBe("clerk");
  expect(await shop.query(to("shop_copy"), "select reltuples > 0 from pg_class where relname = 'orders'")).toBe("t");
});

test("several sessions load from a file that is gone afterwards; a part is chosen by names", async () => {
  const run = await recover(0, "--into", "shop", "--database", "shop_jobs", "--jobs", "2");
  expect(verdictOf(run, "dump.fingerprints")).toMatch(/^pass/);
  const part = await recover(0, "--into", "shop", "--database", "shop_part", "--table", "lines");
  expect(verdictOf(part, "dump.rows")).toBe("pass: 1 tables, 40000 rows, exactly");
  expect(await shop.query(to("shop_part"), "select count(*) from pg_tables where schemaname = 'sales'")).toBe("1");
  const schema = await recover(0, "--into", "shop", "--database", "shop_sales", "--schema", "sales");
  expect(verdictOf(schema, "dump.rows")).toBe("pass: 2 tables, 60000 rows, exactly");
});

test("another server gets the roles that it lacks, with their passwords, and keeps those that it has", async () => {
  await using other = await startServer();
  await other.sql("create role reader connection limit 3");
  const into = `postgres://postgres@127.0.0.1:${other.port}/postgres`;
  const run = await recover(0, "--into", into, "--database", "shop");
  expect(verdictOf(run, "dump.rows")).toMatch(/^pass/);
  const passwords = (server: { sql(text: string): Promise<string> }): Promise<string> =>
    server.sql("select rolpassword from pg_authid where rolname = 'clerk'");
  expect(await passwords(other)).toBe(await passwords(shop.server));
  expect(await other.sql("select rolconnlimit from pg_roles where rolname = 'reader'")).toBe("3");
  expect(await other.sql("select count(*) from pg_roles where rolname = 'postgres'")).toBe("1");
});

test("a role with CREATEDB alone, as on a managed server, restores what it may and is told the rest", async () => {
  await using other = await startServer();
  await other.sql("create role app login createdb");
  const into = `postgres://app@127.0.0.1:${other.port}/postgres`;
  const run = await recover(0, "--into", into, "--database", "shop");
  expect(verdictOf(run, "restore.roles")).toContain("may not make roles");
  expect(verdictOf(run, "dump.load")).toMatch(/^warn: all data; \d+ owners, rights or comments could not be set/);
  expect(verdictOf(run, "dump.fingerprints")).toMatch(/^pass/);
  const plain = await recover(0, "--into", into, "--database", "shop2", "--no-owner", "--no-privileges");
  expect(verdictOf(plain, "dump.load")).toMatch(/^pass/);
});

test("the new database is exchanged for the old one only when that was typed, and back again", async () => {
  const words = (name: string): readonly string[] => ["--into", "shop", "--database", name, "--swap", "shop"];
  const session = shop.query(to("shop"), "select pg_sleep(60)").catch((error: unknown) => String(error));
  const unconfirmed = await shop.pgrescue("recover", ...words("shop_first"));
  expect(unconfirmed.stderr).toContain(`--confirm shop@${hostname()}`);
  expect(await shop.query(to("shop"), "select count(*) from sales.lines")).toBe("20000");

  const run = await recover(0, ...words("shop_new"), "--confirm", `shop@${hostname()}`);
  expect(await session).toContain("terminating connection");
  expect(run.connection).toContain("dbname=shop");
  expect(await shop.query(to("shop"), "select count(*) from sales.lines")).toBe("40000");
  const old = await shop.query(to("postgres"), "select datname from pg_database where datname like 'shop_before%'");
  expect(await shop.query(to(old), "select count(*) from sales.lines")).toBe("20000");
  const names =
    "select string_agg(datname, ' ' order by datname) from pg_database where datname ~ '^shop(_new|_before.*)?$'";
  expect(await shop.query(to("postgres"), names)).toBe(`shop ${old}`);

  // The same dump once more: the second exchange finds another name for what it puts away.
  await recover(0, ...words("shop_new"), "--confirm", `shop@${hostname()}`);
  expect(await shop.query(to("postgres"), names)).toMatch(/^shop shop_before_\d{8}_\d{6} shop_before_\d{8}_\d{6}$/);
});

test("an exchange whose old name would be cut off by PostgreSQL is refused", async () => {
  const name = `shop_${"x".repeat(50)}`;
  const long = await shop.pgrescue("recover", "--into", "shop", "--database", "shop_new", "--swap", name);
  expect(long.exit).toBe(2);
  expect(long.stderr).toContain("longer than 63 bytes");
});

test("a restore that was cut off makes the database anew; somebody else's is never touched", async () => {
  await shop.must(30, "recover", "--into", "shop", "--database", "shop_copy");
  expect(await shop.query(to("shop_copy"), "select count(*) from sales.lines")).toBe("40000");

  const [point] = (
    JSON.parse((await shop.must(0, "points", "--json")).stdout) as {
      readonly points: readonly { readonly id: string }[];
    }
  ).points;
  const file = join(shop.repository, "shop", "dump", point?.id ?? "", "shop.dump");
  const whole = await readFile(file);
  await writeFile(file, whole.subarray(0, whole.length / 2));
  const failed = await shop.pgrescue("recover", "--into", "shop", "--database", "shop_cut", "--json");
  const run = JSON.parse(failed.stdout) as RunDocument;
  expect(failed.exit).not.toBe(0);
  expect(run.outcome.result).toBe("failed");
  await writeFile(file, whole);
  await shop.must(0, "continue", run.id, "--json");
  expect(await shop.query(to("shop_cut"), "select count(*) from sales.lines")).toBe("40000");
});

test("a dump becomes files that stock tools read, in a directory that was empty", async () => {
  const to = shop.place("as-files");
  await shop.must(0, "recover", "--method", "dump-as-files", "--to", to, "--json");
  expect((await readdir(to)).sort()).toEqual([".pgrescue-run", "globals.sql", "shop.catalog.json", "shop.dump"]);
  expect(await readFile(join(to, "globals.sql"), "utf8")).toContain("CREATE ROLE clerk");
  const { exit, stdout } = await shop.server.run(["pg_restore", "--list", join(to, "shop.dump")]);
  expect([exit, stdout]).toEqual([0, expect.stringContaining("TABLE DATA sales orders")]);
  expect((await stat(join(to, "shop.dump"))).mode & 0o777).toBe(0o600);
  const again = await shop.must(30, "recover", "--method", "dump-as-files", "--to", to);
  expect(again.stderr).toContain("is not empty");
});

test("a dump is no base backup: not for a recovery with WAL, nor as the backup that is tested without a name", async () => {
  const [{ id } = { id: "" }] = (
    JSON.parse((await shop.must(0, "points", "--json")).stdout) as { points: { id: string }[] }
  ).points;
  const to = ["--to", shop.place("no")];
  expect((await shop.must(30, "recover", "--latest", "--point", id, ...to)).stderr).toContain(
    "is a dump: no WAL can be replayed onto it",
  );
  expect((await shop.must(20, "verify", "--restore", ...to)).stderr).toContain("there is no finished backup");
});

test("what cannot be is said with the way out", async () => {
  const secret = await shop.must(2, "recover", "--into", "postgres://postgres:pw@h/db", "--database", "x");
  expect(secret.stderr).toContain("a password does not belong on a command line");
  expect((await shop.must(2, "recover", "--into", "shop")).stderr).toContain("--database NEW");
  expect(
    (await shop.must(20, "recover", "--into", "shop", "--database", "x", "--source-database", "y")).stderr,
  ).toContain("no dump has a database y");
  expect((await shop.must(2, "recover", "--into", "shpp", "--database", "x")).exit).toBe(2);
  const dry = await shop.must(0, "recover", "--into", "shop", "--database", "x", "--dry-run");
  expect(dry.stdout).toContain("make database x in shop and load shop of");
  expect(dry.stdout).not.toContain("Exchange");
});

test("no password is in anything that was printed", () => {
  for (const text of shop.printed) {
    expect(text).not.toContain(shopSecret);
    expect(text).not.toContain("SCRAM-SHA-256$");
  }
});
