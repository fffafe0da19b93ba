import { mkdir, open, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createBackupTaker } from "../../../../src/adapters/postgres/backup/take-backup.ts";
import { systemClock } from "../../../../src/adapters/system/clock.ts";
import { startServer, temporaryDirectory, type TestServer } from "../../../support/server.ts";
import { connector, targetOf } from "./connector.ts";
import { requestFor, takeInto } from "./harness.ts";
import { treeRepository } from "./tree-repository.ts";

/** Flips bytes inside one page of a table's file while nobody has it in memory. */
async function damage(server: TestServer, table: string, block: number): Promise<string> {
  const path = await server.sql(`select pg_relation_filepath('${table}')`);
  await server.stop();
  const handle = await open(join(server.dataDirectory, path), "r+");
  await handle.write(Buffer.from("damage"), 0, 6, block * 8192 + 4000);
  await handle.close();
  await server.start();
  return path;
}

describe.each(["local", "remote"] as const)("the %s source", (source) => {
  test("reports a damaged page with file and block, and still takes the backup", async () => {
    await using place = await temporaryDirectory();
    await using server = await startServer();
    await server.sql("create table t as select generate_series(1, 100000) i");
    const path = await damage(server, "t", 7);
    const { signals, finished } = await takeInto(server, place.path, join(place.path, "none"), { source });
    expect(finished.warnings).toHaveLength(source === "local" ? 1 : finished.warnings.length);
    expect(finished.warnings.join()).toContain(path);
    expect(finished.warnings.join()).toContain("block 7");
    expect(finished.point.warnings).toEqual(finished.warnings);
    const verdict = signals.find((s) => s.signal === "verdict" && s.verdict.check === "backup.pages");
    expect(verdict).toMatchObject({ verdict: { result: "warn" } });
  });

  test("leaves nothing behind when it is stopped", async () => {
    await using place = await temporaryDirectory();
    await using server = await startServer();
    const stop = new AbortController();
    const store = treeRepository(place.path, join(place.path, "none"));
    const taker = createBackupTaker({
      sql: connector,
      clock: systemClock,
      connection: async () => targetOf(server),
      repository: async () => store.repository,
    });
    const taking = (async () => {
      for await (const said of taker.take(requestFor(place.path, { source }), stop.signal))
        if (said.signal === "progress") stop.abort();
    })();
    await expect(taking).rejects.toMatchObject({ code: "interrupted" });
    expect(store.committed).toEqual([]);
    expect(store.aborted).toEqual(["run-1"]);
    const sessions =
      "select count(*) from pg_stat_activity where application_name = 'pgrescue' or backend_type = 'walsender'";
    await expect.poll(() => server.sql(sessions), { timeout: 10_000 }).toBe("0");
  });
});

test("a backup whose session dies is void", async () => {
  await using place = await temporaryDirectory();
  await using server = await startServer({ archiveCommand: "false" });
  const store = treeRepository(place.path, join(place.path, "none"));
  const taker = createBackupTaker({
    sql: connector,
    clock: systemClock,
    connection: async () => targetOf(server),
    repository: async () => store.repository,
  });
  const taking = (async () => {
    for await (const said of taker.take(requestFor(place.path), new AbortController().signal)) {
      if (said.signal === "progress" && said.unit === "segments")
        await server.sql("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'");
    }
  })();
  await expect(taking).rejects.toMatchObject({ code: "external-failure" });
  expect(store.committed).toEqual([]);
});

test("wal that does not arrive ends the backup with the archiver's last failure", async () => {
  await using place = await temporaryDirectory();
  await using server = await startServer({ archiveCommand: "false" });
  await expect(takeInto(server, place.path, join(place.path, "none"), { walTimeoutSeconds: 4 })).rejects.toMatchObject({
    code: "external-failure",
    message: expect.stringMatching(
      /^wal segment 0000000100000000000000\w\w did not reach the repository within 4 s: archive_command failed on 0000/,
    ),
  });
});

test.each(["local", "remote"] as const)(
  "wal that a clone has archived under the same names is not taken for this server's (%s source)",
  async (source) => {
    await using place = await temporaryDirectory();
    // Every name is there already, so this server's own archiver would be refused.
    await using server = await startServer({ archiveCommand: "true" });
    const foreign = join(place.path, "wal");
    await mkdir(foreign);
    for (let number = 1; number < 12; number++)
      await writeFile(
        join(foreign, `0000000100000000000000${number.toString(16).toUpperCase().padStart(2, "0")}`),
        "clone",
      );
    await expect(takeInto(server, place.path, foreign, { source })).rejects.toMatchObject({
      code: "external-failure",
      message: expect.stringContaining("another server's wal") as string,
    });
  },
);

test("two backups of one server do not run at once", async () => {
  await using place = await temporaryDirectory();
  await using server = await startServer({ archiveCommand: "false" });
  await server.sql("create database other");
  const held = await connector.connect({ ...targetOf(server), database: "other" });
  await held.query("select pg_try_advisory_lock((1885827685::int8 << 32) | 1935897957::int8)");
  await expect(takeInto(server, place.path, join(place.path, "none"))).rejects.toMatchObject({ code: "locked" });
  await held.close();
});

test("the local source is refused for a copy of the data directory", async () => {
  await using place = await temporaryDirectory();
  await using server = await startServer();
  await server.run(["/bin/cp", "-a", server.dataDirectory, join(server.directory, "copy")]);
  await server.sql("checkpoint");
  await expect(
    takeInto(server, place.path, join(place.path, "none"), { dataDirectory: join(server.directory, "copy") }),
  ).rejects.toMatchObject({
    code: "precondition-refused",
    message: expect.stringContaining("is a copy of the server's data directory"),
  });
});

test("without rights to the files the backup comes through the protocol", async () => {
  await using place = await temporaryDirectory();
  await using server = await startServer();
  const { finished, signals } = await takeInto(server, place.path, join(place.path, "none"), {
    source: "auto",
    dataDirectory: join(place.path, "elsewhere"),
  });
  expect(finished.source).toBe("remote");
  expect(signals).toContainEqual({
    signal: "log",
    level: "info",
    text: expect.stringContaining("is not on this host"),
  });
});

test("the catalog holds configuration and roles but no secrets", async () => {
  await using place = await temporaryDirectory();
  await using server = await startServer({
    settings: { primary_conninfo: "'host=db user=r password=Tr0ub4dor'", "app.token": "'hunter2hunter2'" },
  });
  await server.sql(
    "create role web login password 'S3cretPassw0rd'; create sequence s; select nextval('s'); create table \"odd \"\"name\" (i int)",
  );
  const { store } = await takeInto(server, place.path, join(place.path, "none"));
  const text = await readFile(join(store.tree, "catalog.json"), "utf8");
  for (const secret of ["Tr0ub4dor", "hunter2", "S3cretPassw0rd", "SCRAM-SHA"]) expect(text).not.toContain(secret);
  const catalog = JSON.parse(text) as {
    roles: { name: string }[];
    configurationFiles: { role: string; content: string; redacted: boolean }[];
    control: { floors: { [name: string]: number } };
    databases: { name: string; sequences?: unknown[] }[];
  };
  expect(catalog.roles.map((r) => r.name)).toContain("web");
  expect(catalog.configurationFiles.map((f) => f.role)).toEqual(
    expect.arrayContaining(["config_file", "hba_file", "ident_file"]),
  );
  expect(catalog.configurationFiles.find((f) => f.role === "config_file")).toMatchObject({
    redacted: true,
    content: expect.stringContaining("shared_buffers"),
  });
  expect(catalog.control.floors["max_connections"]).toBe(100);
  expect(catalog.databases.find((d) => d.name === "postgres")?.sequences).toEqual([
    { schema: "public", name: "s", lastValue: "1" },
  ]);
  expect(await readdir(place.path)).toContain("backup_manifest.files");
});
