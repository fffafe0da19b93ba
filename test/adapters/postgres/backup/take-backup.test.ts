import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { giveToServer, startServer, temporaryDirectory } from "../../../support/server.ts";
import { relinkTablespaces, startTree, takeInto } from "./harness.ts";

async function archiving(): Promise<{ path: string } & AsyncDisposable> {
  const directory = await temporaryDirectory();
  await giveToServer(directory.path);
  return directory;
}

describe.each(["local", "remote"] as const)("a backup from the %s source", (source) => {
  test("recovers to exactly the committed rows, tablespaces included, while others write", async () => {
    await using wal = await archiving();
    await using place = await temporaryDirectory();
    await using server = await startServer({ archiveCommand: `cp %p ${wal.path}/%f`, tablespaces: ["fast"] });
    await server.sql(`
      create table account (id int primary key, value int); insert into account select i, 0 from generate_series(1, 20000) i;
      create table fast (id int) tablespace fast; insert into fast select generate_series(1, 1000);
      create unlogged table scratch (id int); insert into scratch select generate_series(1, 1000);
      create database other;`);
    await server.sql("create table there (t text); insert into there values ('yes')", "other");
    const load = new AbortController();
    let rounds = 0;
    const writer = (async () => {
      while (!load.signal.aborted) {
        await server.sql("begin; update account set value = value + 1; insert into fast select 1; commit");
        rounds += 1;
      }
    })();
    const { finished, store } = await takeInto(server, place.path, wal.path, { source });
    load.abort();
    await writer;
    expect(rounds).toBeGreaterThan(0);
    expect(finished).toMatchObject({ source, warnings: [], point: { walIncluded: false, timeline: 1 } });
    const [tablespace] = finished.point.tablespaces;
    expect(tablespace).toMatchObject({ name: "fast", location: join(server.directory, "tablespace-fast") });
    const oids = finished.point.tablespaces.map((t) => t.oid);
    await relinkTablespaces(store.tree, oids);
    await giveToServer(store.tree);
    const verified = await server.run([
      "pg_verifybackup",
      "-n",
      "-m",
      join(store.tree, "backup_manifest"),
      join(store.tree, "base"),
    ]);
    expect(verified).toMatchObject({ exit: 0, stderr: "" });
    await using restored = await startTree(server, store.tree, wal.path, oids);
    expect(await restored.sql("select count(*), count(distinct value) from account")).toBe("20000|1");
    expect(await restored.sql("select count(*) - 1000 = (select min(value) from account) from fast")).toBe("t");
    expect(await restored.sql("select count(*) from scratch")).toBe("0");
    expect(await restored.sql("select t from there", "other")).toBe("yes");
  });

  test("is accepted by pg_verifybackup and brings its own wal where the server does not archive", async () => {
    await using place = await temporaryDirectory();
    await using server = await startServer();
    await server.sql(
      "create table t as select generate_series(1, 100000) i; create unlogged table u (i int); create database other",
    );
    const { finished, store } = await takeInto(server, place.path, join(place.path, "none"), { source });
    expect(finished.point.walIncluded).toBe(true);
    await mkdir(join(store.tree, "wal"), { recursive: true });
    expect((await readdir(join(store.tree, "wal"))).length).toBeGreaterThan(0);
    await giveToServer(store.tree);
    const verified = await server.run([
      "pg_verifybackup",
      "-n",
      "-m",
      join(store.tree, "backup_manifest"),
      join(store.tree, "base"),
    ]);
    expect(verified).toMatchObject({ exit: 0, stderr: "" });
    const withWal = await server.run([
      "pg_verifybackup",
      "-w",
      join(store.tree, "wal"),
      "-m",
      join(store.tree, "backup_manifest"),
      join(store.tree, "base"),
    ]);
    expect(withWal).toMatchObject({ exit: 0, stderr: "" });
    const catalog = JSON.parse(await readFile(join(store.tree, "catalog.json"), "utf8")) as {
      schema: string;
      databases: { name: string; relations?: unknown[][] }[];
    };
    expect(catalog.schema).toBe("pgrescue.catalog/v1");
    expect(catalog.databases.find((d) => d.name === "postgres")?.relations?.some((r) => r[2] === "t")).toBe(true);
    await using restored = await startTree(server, store.tree, join(store.tree, "wal"));
    expect(await restored.sql("select count(*) from t")).toBe("100000");
  });
});
