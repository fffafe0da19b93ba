import { cp, mkdir, writeFile, rm, chmod } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createPostgres } from "../../../src/adapters/postgres/postgres.ts";
import { createSqlConnector } from "../../../src/adapters/postgres/sql.ts";
import { createShell } from "../../../src/adapters/system/exec.ts";
import { freePort } from "../../../src/adapters/postgres/throwaway-server.ts";
import type { RecoveryStatus } from "../../../src/ports/postgres.ts";
import { giveToServer, startServer, type TestServer } from "../../support/server.ts";

const shell = createShell();
const postgres = createPostgres(shell, createSqlConnector(), process.env);

interface World {
  readonly source: TestServer;
  readonly archive: string;
  readonly base: string;
}

/** A server with an archive, a base backup, and rows 1..3 committed after it. */
async function world(
  settings: { readonly [name: string]: string } = {},
): Promise<World & AsyncDisposable & { readonly afterTwo: string }> {
  const source = await startServer({ archiveCommand: "test ! -f ../archive/%f && cp %p ../archive/%f", settings });
  const archive = join(source.directory, "archive");
  await mkdir(archive);
  await giveToServer(archive);
  await source.sql("create table t(i int)");
  const base = join(source.directory, "base");
  const copied = await source.run([
    "pg_basebackup",
    "-h",
    source.socketDirectory,
    "-p",
    String(source.port),
    "-U",
    "postgres",
    "-D",
    base,
    "-X",
    "none",
    "-c",
    "fast",
  ]);
  expect(copied.stderr + copied.stdout).not.toMatch(/error/i);
  await source.sql("insert into t values (1)");
  const xid = await source.sql("begin; insert into t values (2); select txid_current(); commit;");
  await source.sql("insert into t values (3)");
  await source.sql("select pg_switch_wal()");
  for (
    let i = 0;
    i < 100 &&
    (await source.sql(
      "select last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 1) from pg_stat_archiver",
    )) !== "t";
    i++
  )
    await new Promise((r) => setTimeout(r, 50));
  return { source, archive, base, afterTwo: xid, [Symbol.asyncDispose]: () => source[Symbol.asyncDispose]() };
}

interface Copy {
  readonly dataDirectory: string;
  readonly logFile: string;
  follow(): Promise<{ readonly last: RecoveryStatus; readonly all: readonly RecoveryStatus[] }>;
  sql(text: string): Promise<string>;
}

async function recover(
  from: World,
  name: string,
  settings: { readonly [name: string]: string },
  floors: { readonly [name: string]: number } = {},
): Promise<Copy & AsyncDisposable> {
  const directory = join(from.source.directory, name);
  const dataDirectory = join(directory, "data");
  const socketDirectory = join(directory, "socket");
  const logFile = join(directory, "log");
  await mkdir(socketDirectory, { recursive: true, mode: 0o700 });
  await cp(from.base, dataDirectory, { recursive: true });
  await chmod(dataDirectory, 0o700);
  const port = await freePort();
  const muzzle = postgres.muzzle({ major: 15, dataDirectory, port, socketDirectory, name, floors });
  await rm(join(dataDirectory, "postgresql.auto.conf"), { force: true });
  await writeFile(
    join(dataDirectory, "postgresql.conf"),
    postgres.formatSettings({
      ...muzzle,
      fsync: "off",
      restore_command: `cp ${from.archive}/%f %p`,
      recovery_target_timeline: "current",
      ...settings,
    }),
  );
  await writeFile(join(dataDirectory, "recovery.signal"), "");
  await giveToServer(directory);
  const as = from.source.owner === undefined ? {} : { as: from.source.owner };
  const installation = await postgres.installation(15);
  const started = await shell.run(postgres.startCommand({ dataDirectory, installation, settings: {}, logFile }), as);
  expect(started.exit).toBe(0);
  const connection = {
    host: socketDirectory,
    port,
    user: "postgres",
    database: "postgres",
    tls: { mode: "disable" },
    applicationName: "test",
    connectTimeoutSeconds: 5,
  } as const;
  return {
    dataDirectory,
    logFile,
    follow: async () => {
      const all: RecoveryStatus[] = [];
      for await (const status of postgres.followRecovery({
        dataDirectory,
        logFile,
        connection,
        signal: AbortSignal.timeout(30_000),
        interval: 50,
      }))
        all.push(status);
      const last = all.at(-1);
      if (last === undefined) throw new Error("nothing was said");
      return { last, all };
    },
    sql: async (text) => {
      const session = await createSqlConnector().connect(connection);
      try {
        return JSON.stringify((await session.query(text)).map((row) => Object.values(row)).flat());
      } finally {
        await session.close();
      }
    },
    [Symbol.asyncDispose]: async () => {
      await shell.run(postgres.stopCommand({ dataDirectory, installation, mode: "immediate" }), as);
    },
  };
}

describe("following a recovery", () => {
  test("it ends paused at the target, not when reads become possible", async () => {
    await using from = await world();
    await using copy = await recover(from, "paused", {
      recovery_target_xid: from.afterTwo,
      recovery_target_action: "pause",
    });
    const { last, all } = await copy.follow();
    expect(last).toMatchObject({
      state: "paused",
      acceptsReads: true,
      consistent: true,
      failure: null,
      stop: { side: "after", what: "commit", xid: Number(from.afterTwo) },
    });
    expect(last.replayLsn).not.toBeNull();
    expect(last.lastCommitAt).not.toBeNull();
    expect(last.stop?.at).not.toBeNull();
    expect(last.restoredFiles).toBeGreaterThan(0);
    expect(await copy.sql("select count(*)::int from t")).toBe("[2]");
    expect(all.flatMap((s) => s.messages).map((m) => m.kind)).toEqual(
      expect.arrayContaining(["started", "redo", "restored", "consistent", "accepting-reads", "stopping", "pausing"]),
    );
    // Looked at again, it is still there.
    expect((await copy.follow()).last.state).toBe("paused");
  });

  test("it ends promoted when the server left recovery", async () => {
    await using from = await world();
    await using copy = await recover(from, "promoted", {
      recovery_target_xid: from.afterTwo,
      recovery_target_inclusive: "off",
      recovery_target_action: "promote",
    });
    const { last, all } = await copy.follow();
    expect(last).toMatchObject({ state: "promoted", stop: { side: "before", what: "commit" } });
    expect(await copy.sql("select count(*)::int from t")).toBe("[1]");
    expect(all.flatMap((s) => s.messages).map((m) => m.kind)).toContain("new-timeline");
  });

  test("a target after the last commit fails with what to do, long after the start command succeeded", async () => {
    await using from = await world();
    await using copy = await recover(from, "late", {
      recovery_target_time: "2099-01-01 00:00:00+00",
      recovery_target_action: "pause",
    });
    const { last } = await copy.follow();
    expect(last.state).toBe("failed");
    expect(last.failure).toMatchObject({
      message: "recovery ended before configured recovery target was reached",
      next: expect.stringContaining("newest reachable"),
    });
  });

  test("a restore_command that reports trouble fails with recovery still to be done", async () => {
    await using from = await world();
    await using copy = await recover(from, "outage", {
      recovery_target_xid: from.afterTwo,
      restore_command: "exit 255",
    });
    const { last } = await copy.follow();
    expect(last.failure?.message).toMatch(/^could not restore file .* from archive/);
    expect(last.failure?.next).toContain("nothing was lost");
    expect((await postgres.inspect(copy.dataDirectory)).signalFile).toBe("recovery.signal");
  });

  test("settings below the primary's are a failure that names them, and floors from the control data mend it", async () => {
    await using from = await world({ max_connections: "150" });
    await using low = await recover(from, "low", {
      recovery_target_xid: from.afterTwo,
      recovery_target_action: "pause",
    });
    const failed = await low.follow();
    expect(failed.last).toMatchObject({
      state: "failed",
      failure: { message: expect.stringContaining("max_connections = 100") },
    });
    const floors = (await postgres.inspect(from.base)).control?.floors ?? {};
    expect(floors["max_connections"]).toBe(150);
    await using right = await recover(
      from,
      "right",
      { recovery_target_xid: from.afterTwo, recovery_target_action: "pause" },
      floors,
    );
    expect((await right.follow()).last.state).toBe("paused");
  });

  test("a server that cannot start says why", async () => {
    await using from = await world();
    await using copy = await recover(from, "twice", { recovery_target_xid: from.afterTwo, recovery_target_name: "x" });
    const { last } = await copy.follow();
    expect(last.failure).toMatchObject({
      message: expect.stringContaining("multiple recovery targets"),
      next: expect.stringContaining("exactly one"),
    });
  });
});
