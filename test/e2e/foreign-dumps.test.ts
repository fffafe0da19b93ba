import { access, mkdir, readFile, writeFile } from "node:fs/promises";
import { gunzipSync, gzipSync } from "node:zlib";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pgrescue } from "../support/program.ts";
import { giveToServer, startServer, temporaryDirectory, type TestServer } from "../support/server.ts";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let from: TestServer;
let to: TestServer;
let place: string;
let restored = 0;

beforeAll(async () => {
  directory = await temporaryDirectory();
  place = join(directory.path, "left-by-cron");
  for (const name of ["", "azure", "all"]) await mkdir(join(place, name), { recursive: true });
  await mkdir(join(directory.path, "state"));
  from = await startServer();
  to = await startServer();
  await from.sql("create role clerk");
  for (const name of ["shop", '"odd name\'s"']) await from.sql(`create database ${name} owner clerk`);
  const content = `
    set role clerk; create schema sales; create table sales.orders (id int primary key, note text);
    insert into sales.orders select n, E'line\\n\\\\restrict ' || n from generate_series(1, 3000) n;
    create function sales.twice(int) returns int language sql as $$ select $1 * 2 $$;`;
  await psql(from, "shop", content);
  await psql(from, "odd name's", "create table here (n int); insert into here values (1), (2)");
  const dump = async (file: string, ...words: readonly string[]): Promise<void> => {
    await run(from, ["pg_dump", ...words, "-f", join(place, file), "shop"]);
  };
  await giveToServer(directory.path);
  await dump("shop.dump", "-Fc");
  await dump("shop.tar", "-Ft");
  await dump("shop.dir", "-Fd", "-j2");
  await dump("shop.sql");
  await run(from, ["pg_dumpall", "-f", join(place, "all", "everything.sql")]);
  await dump("azure/Database.sql", "-Fc");
  await run(from, ["pg_dumpall", "--roles-only", "-f", join(place, "azure", "roles.sql")]);
  await run(from, ["pg_dumpall", "--tablespaces-only", "-f", join(place, "azure", "tablespace.sql")]);
  await writeFile(join(place, "backup-20261120.sql.gz"), gzipSync(await readFile(join(place, "shop.dump"))));
  await writeFile(join(place, "night.sql.gz"), gzipSync(await readFile(join(place, "shop.sql"))));
  expect(gunzipSync(await readFile(join(place, "backup-20261120.sql.gz"))).toString("latin1", 0, 5)).toBe("PGDMP");
  await giveToServer(directory.path);
});

afterAll(async () => {
  await from[Symbol.asyncDispose]();
  await to[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

async function run(server: TestServer, argv: readonly string[], input?: string): Promise<string> {
  const env = { PGHOST: server.socketDirectory, PGPORT: String(server.port), PGUSER: "postgres" };
  const { exit, stdout, stderr } = await server.run(argv, { env, ...(input === undefined ? {} : { input }) });
  expect(exit, `${argv.join(" ")}\n${stderr}`).toBe(0);
  return stdout.trim();
}

function psql(server: TestServer, database: string, sql: string): Promise<string> {
  const name = `dbname='${database.replaceAll("'", String.raw`\'`)}'`;
  return run(server, ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", name, "-f", "-"], sql);
}

async function recover(point: string, ...words: readonly string[]) {
  const database = `restored_${restored++}`;
  const into = `postgres://postgres@127.0.0.1:${to.port}/postgres`;
  const where = ["--repository", place, "--state-dir", join(directory.path, "state")];
  const result = await pgrescue([
    "recover",
    ...where,
    "--point",
    point,
    "--into",
    into,
    "--database",
    database,
    "--json",
    ...words,
  ]);
  return { ...result, database };
}

const count = "select count(*) || ' ' || sum(id) || ' ' || sales.twice(21) || ' ' || max(note) from sales.orders";

test.each([
  ["shop.dump"],
  ["shop.tar"],
  ["shop.dir"],
  ["shop.sql"],
  ["night.sql.gz"],
  ["backup-20261120.sql.gz"],
  ["azure/Database.sql"],
])("%s becomes a database again, whatever its name says", async (point) => {
  const { exit, stdout, stderr, database } = await recover(point);
  expect(exit, stdout + stderr).toBe(0);
  expect(await psql(to, database, count)).toBe(await psql(from, "shop", count));
  expect(await psql(to, database, "select tableowner from pg_tables where tablename = 'orders'")).toBe(
    (await to.sql("select count(*) from pg_roles where rolname = 'clerk'")) === "1" ? "clerk" : "postgres",
  );
  const { verdicts } = JSON.parse(stdout) as { verdicts: { check: string; result: string }[] };
  // Nobody counted what was dumped: so nobody can say that it is right.
  expect(verdicts.find(({ check }) => check === "dump.rows")?.result).toBe("unknown");
});

test("the roles that lie beside Azure's files are made", async () => {
  await to.sql("reassign owned by clerk to postgres").catch(() => undefined);
  const { exit, stdout, database } = await recover("azure/Database.sql");
  expect(exit, stdout).toBe(0);
  expect(await psql(to, database, "select tableowner from pg_tables where tablename = 'orders'")).toBe("clerk");
});

test("one database comes out of a pg_dumpall, with its rows and nobody else's", async () => {
  const { exit, stdout, stderr, database } = await recover("all/everything.sql", "--source-database", "odd name's");
  expect(exit, stdout + stderr).toBe(0);
  expect(
    await psql(
      to,
      database,
      "select string_agg(relname, ' ') || (select count(*) from here) from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace",
    ),
  ).toBe("here2");
  const shop = await recover("all/everything.sql", "--source-database", "shop");
  expect(shop.exit, shop.stdout).toBe(0);
  expect(await psql(to, shop.database, count)).toBe(await psql(from, "shop", count));
  const which = await recover("all/everything.sql");
  expect(which.exit).toBe(2);
  expect(which.stdout + which.stderr).toContain("odd name's");
});

test("a SQL dump runs SQL and nothing else: no command of a shell comes through", async () => {
  const mark = join(directory.path, "owned");
  const text = `--\n-- PostgreSQL database dump\n--\n\\restrict abc\nselect 1;\n\\unrestrict abc\n\\! touch ${mark}\nselect 1 \\g |touch ${mark}\n\\copy (select 1) to program 'touch ${mark}'\n`;
  await writeFile(join(place, "evil.sql"), text);
  const { exit, stdout } = await recover("evil.sql");
  expect(exit, stdout).not.toBe(0);
  expect(stdout).toContain("restricted");
  await expect(access(mark)).rejects.toThrow();
});

test("a part of a SQL dump cannot be chosen, which is said before anything is made", async () => {
  const { exit, stdout, database } = await recover("shop.sql", "--table", "orders");
  expect(exit).toBe(30);
  expect(stdout).toContain("a SQL dump is run as a whole");
  expect(await to.sql(`select count(*) from pg_database where datname = '${database}'`)).toBe("0");
});

test("a dump that is cut off fails, and says so", async () => {
  const whole = await readFile(join(place, "backup-20261120.sql.gz"));
  await writeFile(join(place, "cut.gz"), whole.subarray(0, whole.length - 2000));
  const { exit, stdout } = await recover("cut.gz", "--source-database", "shop");
  expect(exit, stdout).not.toBe(0);
});
