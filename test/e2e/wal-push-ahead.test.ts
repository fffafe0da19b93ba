import { hash } from "node:crypto";
import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CommandResult } from "../../src/ports/shell.ts";
import { eventually, walWorld, type WalWorld } from "../support/wal-world.ts";

let world: WalWorld;
/** Segments that wait for the archiver, oldest first. */
let waiting: readonly string[];
let command: string;

beforeAll(async () => {
  world = await walWorld();
  command = await world.server.sql("show archive_command");
  await archiveBy("false");
  waiting = await queue(8);
});

afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

async function archiveBy(text: string): Promise<void> {
  await world.server.sql(`alter system set archive_command = '${text.replaceAll("'", "''")}'`);
  await world.server.sql("select pg_reload_conf()");
}

async function queue(count: number): Promise<readonly string[]> {
  await world.server.sql("create table if not exists queued (n int)");
  for (let n = 0; n < count; n++) {
    await world.server.sql("insert into queued select generate_series(1, 1000)");
    await world.server.sql("select pg_switch_wal()");
  }
  const names = await readdir(join(world.server.dataDirectory, "pg_wal", "archive_status"));
  return names
    .filter((name) => /^[0-9A-F]{24}\.ready$/.test(name))
    .map((name) => name.slice(0, 24))
    .sort();
}

async function push(name: string | undefined): Promise<CommandResult> {
  const words = ["wal-push", `pg_wal/${name}`, "--config", join(world.directory, "pgrescue.yaml")];
  return await world.server.run([world.program.node, world.program.script, ...words], {
    cwd: world.server.dataDirectory,
  });
}

const notes = async (): Promise<readonly string[]> =>
  (await readdir(join(world.server.dataDirectory, "pg_wal", ".pgrescue-pushed"))).sort();

async function isStoredAsIs(name: string): Promise<boolean> {
  const stored = await world.archive.fetch(name);
  const local = await readFile(join(world.server.dataDirectory, "pg_wal", name));
  return stored !== null && hash("sha256", stored) === hash("sha256", local);
}

test("what waits is sent with the segment that is asked for, and noted when it is stored", async () => {
  expect(waiting.length).toBeGreaterThanOrEqual(8);
  const [first = "", ...others] = waiting;
  expect((await push(first)).exit).toBe(0);
  for (const name of waiting) expect(await isStoredAsIs(name), name).toBe(true);
  expect(await notes()).toEqual(others);
});

test("a noted one is confirmed without the repository; another content, or another place, makes a note void", async () => {
  const away = `${world.repository}-away`;
  await rename(world.repository, away);
  const [, second = "", third = "", fourth = ""] = waiting;
  expect((await push(second)).exit).toBe(0);
  expect(await notes()).not.toContain(second);
  // Asked again there is no note any more, and no repository.
  expect((await push(second)).exit).toBe(10);
  const file = join(world.server.dataDirectory, "pg_wal", ".pgrescue-pushed", third);
  const note = JSON.parse(await readFile(file, "utf8")) as { sha256: string };
  await writeFile(file, JSON.stringify({ ...note, sha256: hash("sha256", "something else") }));
  expect((await push(third)).exit).toBe(10);
  const config = join(world.directory, "pgrescue.yaml");
  const text = await readFile(config, "utf8");
  await writeFile(config, text.replace("repository", "elsewhere"));
  expect((await push(fourth)).exit).toBe(10);
  await writeFile(config, text);
  await rename(away, world.repository);
});

test("notes that are cut off or old are no notes", async () => {
  const [, , , , fifth = "", sixth = ""] = waiting;
  const directory = join(world.server.dataDirectory, "pg_wal", ".pgrescue-pushed");
  await rename(world.repository, `${world.repository}-away`);
  await writeFile(join(directory, fifth), '{"sha256": "12');
  expect((await push(fifth)).exit).toBe(10);
  const note = JSON.parse(await readFile(join(directory, sixth), "utf8")) as { at: number };
  await writeFile(join(directory, sixth), JSON.stringify({ ...note, at: note.at - 7_200_000 }));
  expect((await push(sixth)).exit).toBe(10);
  await rename(`${world.repository}-away`, world.repository);
});

test("PostgreSQL's archiver works through a queue with it, and leaves no note behind", async () => {
  const more = await queue(12);
  await archiveBy(command);
  const last = more.at(-1) ?? "";
  await eventually(
    async () => (await world.server.sql("select last_archived_wal from pg_stat_archiver")) >= last,
    "the archiver did not get through",
  );
  expect(await notes()).toEqual([]);
  for (const name of more) expect(await world.archive.has(name), name).toBe(true);
  expect((await world.archive.inventory()).ranges).toHaveLength(1);
});
