import { appendFile, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../../src/adapters/postgres/throwaway-server.ts";
import { giveToServer } from "../support/server.ts";
import { pgrescue } from "../support/program.ts";
import { openShop, shopSecret, type Shop } from "../support/shop.ts";
import { openTmux } from "../support/tmux.ts";

/** Another secret, in the server's own configuration: backups and catalog meet it. */
const serverSecret = "s3rver-s3cret-9f27";

let shop: Shop;
/** Moments and transactions of the story that beforeAll tells. */
const at = { early: "", afterTwo: "", afterTwoTime: "", three: "", lsn: "", four: "" };

beforeAll(async () => {
  shop = await openShop({
    tablespaces: ["fast"],
    settings: { primary_conninfo: `'host=standby.invalid user=repl password=${serverSecret}'`, work_mem: "'7MB'" },
    cluster: { checks: [{ name: "the first row", sql: "select count(*) = 1 from t where id = 1" }] },
  });
  const { server } = shop;
  at.early = await shop.now();
  await server.sql("create table t (id int); insert into t values (1); create table f (id int) tablespace fast");
  await server.sql("insert into f values (1)");
  await shop.must(0, "backup", "--no-input");
  await copyByHand();
  await shop.transaction("insert into t values (2)");
  at.afterTwo = await shop.now();
  at.afterTwoTime = at.afterTwo.slice(11, -1);
  await server.sql("select pg_create_restore_point('before-deploy')");
  at.three = await shop.transaction("insert into t values (3); insert into f values (3)");
  at.lsn = await server.sql("select pg_current_wal_insert_lsn()");
  at.four = await shop.transaction("insert into t values (4)");
  await shop.archived();
});
afterAll(async () => await shop?.[Symbol.asyncDispose]());

/** A plain pg_basebackup without WAL, as somebody without pgrescue has it. */
async function copyByHand(): Promise<void> {
  const { server } = shop;
  const words = ["pg_basebackup", "-h", server.socketDirectory, "-p", String(server.port), "-U", "postgres"];
  const to = ["-D", shop.place("by-hand"), "-T", `${server.directory}/tablespace-fast=${shop.place("by-hand-fast")}`];
  const { exit, stderr } = await server.run([...words, ...to, "-X", "none", "-c", "fast", "--no-sync"]);
  if (exit !== 0) throw new Error(stderr);
}

interface Recovered {
  readonly connection: string;
  readonly outcome: { readonly result: string; readonly exitCode: number };
  readonly recorded: { readonly server: { readonly dataDirectory: string } };
}

function documentOf(stdout: string): Recovered {
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Recovered;
}

const rows = "select string_agg(id::text, ',' order by id) from t";

/** Recovers beside production, asks the new server, and stops it. */
async function recovered(to: string, sql: string, ...words: readonly string[]): Promise<string> {
  const { stdout } = await shop.must(0, "recover", ...words, "--to", to, "--no-input", "--json");
  const { connection, outcome } = documentOf(stdout);
  expect(outcome.exitCode).toBe(0);
  try {
    return await shop.query(connection, sql);
  } finally {
    await shop.stopServerOf(to);
  }
}

describe("every kind of target", () => {
  test.each([
    ["a moment", () => ["--target-time", at.afterTwo], "1,2"],
    ["a natural time", () => ["--target-time", `${at.afterTwoTime} UTC`], "1,2"],
    ["a transaction", () => ["--target-xid", at.three], "1,2,3"],
    ["the moment before a transaction", () => ["--target-before-xid", at.three], "1,2"],
    ["a transaction, exclusively", () => ["--target-xid", at.four, "--exclusive"], "1,2,3"],
    ["a position", () => ["--target-lsn", at.lsn], "1,2,3"],
    ["a restore point", () => ["--target-name", "before-deploy"], "1,2"],
    ["the backup's end", () => ["--immediate"], "1"],
    ["everything", () => ["--latest"], "1,2,3,4"],
  ] as const)("%s is reached exactly", async (name, target, expected) => {
    expect(await recovered(shop.place(name.replaceAll(/\W/g, "-")), rows, ...target())).toBe(expected);
  });

  test.each([
    ["before the first backup", () => ["--target-time", at.early], 20],
    ["in the future", () => ["--target-time", "2099-01-01T00:00:00Z"], 20],
    ["a transaction that never was", () => ["--target-xid", "4000000"], 20],
    ["a name that nobody gave", () => ["--target-name", "never"], 20],
    ["two targets", () => ["--latest", "--target-xid", at.three], 2],
    ["a time without offset", () => ["--target-time", at.afterTwo.slice(0, -1)], 2],
    ["no target", () => [], 2],
  ] as const)("%s is refused before anything is written", async (name, target, code) => {
    const to = shop.place(`refused-${name.length}`);
    const { stderr, stdout } = await shop.must(code, "recover", ...target(), "--to", to, "--no-input");
    expect(stderr).not.toBe("");
    expect(stdout).toBe("");
    await expect(stat(to)).rejects.toMatchObject({ code: "ENOENT" });
  });
});

test("what was understood is said in UTC before anything is done, and a dry run changes nothing", async () => {
  const to = shop.place("dry");
  const before = await treeOf();
  const { stdout } = await shop.must(
    0,
    "recover",
    "--target-time",
    `${at.afterTwoTime} UTC`,
    "--to",
    to,
    "--dry-run",
    "--no-input",
  );
  expect(stdout).toContain("restore");
  const plan = await shop.must(0, "plan", "--target-time", `${at.afterTwoTime} UTC`, "--to", to);
  expect(plan.stdout).toContain(`time ${at.afterTwo.slice(0, 19)}`);
  expect(await treeOf()).toEqual(before);
});

/** Every file below repository, state and scratch with its size and time. */
async function treeOf(): Promise<readonly string[]> {
  const all: string[] = [];
  for (const root of [shop.repository, shop.stateDirectory, shop.scratchDirectory]) {
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      const { size, mtimeMs } = await stat(path).catch(() => ({ size: -1, mtimeMs: -1 }));
      all.push(`${path} ${entry.isDirectory() ? "" : `${size} ${mtimeMs}`}`);
    }
  }
  return all.toSorted();
}

test("a tablespace is restored to another place; production's own is not touched", async () => {
  const [to, space] = [shop.place("spaces"), shop.place("spaces-fast")];
  const sql =
    "select (select string_agg(id::text, ',' order by id) from f), pg_tablespace_location(oid) from pg_tablespace where spcname = 'fast'";
  const before = await filesBelow(join(shop.directory, "tablespace-fast"));
  expect(await recovered(to, sql, "--target-before-xid", at.three, "--tablespace", `fast=${space}`)).toBe(`1|${space}`);
  expect(await shop.server.sql("select string_agg(id::text, ',' order by id) from f")).toBe("1,3");
  expect(await filesBelow(join(shop.directory, "tablespace-fast"))).toEqual(before);
});

async function filesBelow(directory: string): Promise<readonly string[]> {
  return (await readdir(directory, { recursive: true })).toSorted();
}

test("a second run on the same place is refused with 11 while the first one works", async () => {
  const to = shop.place("twice");
  const first = shop.watch("recover", "--latest", "--to", to, "--no-input");
  const opened = await first.until((e) => e.event === "started");
  const second = await shop.must(11, "recover", "--latest", "--to", to, "--no-input");
  expect(second.stderr).toContain(opened?.run);
  expect(second.stderr).toContain("pgrescue attach");
  expect(await first.ended).toBe(0);
  await shop.stopServerOf(to);
});

test("the lines of plan --emit recovery, used by hand on a plain copy, recover", async () => {
  const to = shop.place("by-hand");
  const { stdout } = await shop.must(0, "plan", "--target-before-xid", at.three, "--emit", "recovery");
  const port = await freePort();
  await appendFile(join(to, "postgresql.auto.conf"), `${stdout}\nport = ${port}\n`);
  await writeFile(join(to, "recovery.signal"), "");
  await giveToServer(to);
  const { server } = shop;
  const started = await server.run(["pg_ctl", "-D", to, "-l", join(shop.directory, "by-hand.log"), "-w", "start"]);
  expect(started.exit, await readFile(join(shop.directory, "by-hand.log"), "utf8")).toBe(0);
  const connection = `host=${server.socketDirectory} port=${port} user=postgres dbname=postgres`;
  try {
    let state = "";
    for (let tries = 0; tries < 300 && state !== "paused"; tries++) {
      state = await shop.query(connection, "select pg_get_wal_replay_pause_state()");
      await new Promise((done) => setTimeout(done, 100));
    }
    expect(state).toBe("paused");
    expect(await shop.query(connection, rows)).toBe("1,2");
  } finally {
    await shop.stopServerOf(to);
  }
});

test("with --repository URL alone a host that knows nothing gets the data back", async () => {
  const to = shop.place("empty-host");
  const url = `file://${shop.repository}`;
  const state = ["--state-dir", shop.place("empty-host-state")];
  const points = await pgrescue(["points", "--repository", url, "--json"]);
  expect(points.exit, points.stderr).toBe(0);
  const words = ["recover", "--repository", url, "--latest", "--to", to, "--no-input", "--json", ...state];
  const { exit, stdout, stderr } = await pgrescue(words);
  expect(exit, `${stdout}\n${stderr}`).toBe(0);
  try {
    expect(await shop.query(documentOf(stdout).connection, rows)).toBe("1,2,3,4");
  } finally {
    await shop.stopServerOf(to);
  }
});

describe("in place", () => {
  const inPlace = () => ["recover", "--method", "rewind-in-place", "--target-before-xid", at.four];

  test("without --confirm it ends with 30, with another text too, and production works on", async () => {
    const pid = await shop.server.sql("select pg_postmaster_start_time()");
    const missing = await shop.must(30, ...inPlace(), "--no-input");
    expect(missing.stderr).toContain(`--confirm ${shop.confirm}`);
    await shop.must(30, ...inPlace(), "--no-input", "--confirm", "shop@elsewhere");
    await shop.must(30, ...inPlace(), "--no-input", "--yes");
    expect(await shop.server.sql("select pg_postmaster_start_time()")).toBe(pid);
    expect(await shop.server.sql(rows)).toBe("1,2,3,4");
  });

  test("declined at a terminal it ends with 31, and production works on", async () => {
    const pid = await shop.server.sql("select pg_postmaster_start_time()");
    await using terminal = await openTmux(shop.argv(...inPlace(), "--plain"));
    await terminal.waitFor(new RegExp(`Type ${shop.confirm}`));
    await terminal.press("Enter");
    await terminal.waitFor(/\[exit 31\]/);
    shop.record(await terminal.history());
    expect(await shop.server.sql("select pg_postmaster_start_time()")).toBe(pid);
  });

  // From here on production has two histories.
  test("confirmed it rewinds production; then both histories can be reached, each by its timeline", async () => {
    const { stdout } = await shop.must(0, ...inPlace(), "--confirm", shop.confirm, "--no-input", "--json");
    const { connection, outcome } = documentOf(stdout);
    expect(outcome.result).toMatch(/^done/);
    expect(await shop.query(connection, rows)).toBe("1,2,3");
    expect(await shop.server.sql("select pg_is_in_recovery()")).toBe("f");
    await shop.server.sql("insert into t values (100)");
    await shop.archived();
    const old = ["--target-xid", at.four, "--target-timeline", "1"];
    expect(await recovered(shop.place("old-branch"), rows, ...old)).toBe("1,2,3,4");
    expect(await recovered(shop.place("new-branch"), rows, "--latest")).toBe("1,2,3,100");
  });

  test("on a fresh host, into a missing directory, the configuration comes back with the data", async () => {
    await shop.server.stop("fast");
    const to = shop.place("fresh-host");
    const words = ["--repository", `file://${shop.repository}`, "--state-dir", shop.place("fresh-host-state")];
    const space = ["--tablespace", `fast=${shop.place("fresh-host-fast")}`, "--port", String(shop.server.port)];
    const { exit, stdout, stderr } = await pgrescue([
      "recover",
      "--method",
      "rewind-in-place",
      "--latest",
      "--to",
      to,
      "--confirm",
      shop.confirm,
      "--no-input",
      "--json",
      ...words,
      ...space,
    ]);
    expect(exit, `${stdout}\n${stderr}`).toBe(0);
    const connection = `host=${shop.server.socketDirectory} port=${shop.server.port} user=postgres dbname=postgres`;
    try {
      expect(await shop.query(connection, rows)).toBe("1,2,3,100");
      expect(await shop.query(connection, "show work_mem")).toBe("7MB");
      expect(await shop.query(connection, "select pg_is_in_recovery()")).toBe("f");
      expect(await readFile(join(to, "pg_hba.conf"), "utf8")).toContain("scram-sha-256");
    } finally {
      await shop.stopServerOf(to);
    }
  });
});

// Last: it looks at everything that the tests above have left.
test("no secret stands in any journal, log, catalog or output", async () => {
  const looked: string[] = [];
  const places = [
    shop.stateDirectory,
    shop.repository,
    ...["empty-host-state", "fresh-host-state"].map((name) => shop.place(name)),
  ];
  for (const root of places) {
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      looked.push(path);
      const text = await readFile(path, "latin1");
      for (const secret of [shopSecret, serverSecret]) expect(text.includes(secret), path).toBe(false);
    }
  }
  expect(looked.filter((path) => path.endsWith("journal.jsonl")).length).toBeGreaterThan(10);
  expect(looked.filter((path) => path.endsWith(".json")).length).toBeGreaterThan(0);
  for (const text of shop.printed) for (const secret of [shopSecret, serverSecret]) expect(text).not.toContain(secret);
});
