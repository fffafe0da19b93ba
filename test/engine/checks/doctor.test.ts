import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createPostgres } from "../../../src/adapters/postgres/postgres.ts";
import { createSqlConnector } from "../../../src/adapters/postgres/sql.ts";
import { createShell } from "../../../src/adapters/system/exec.ts";
import { createFiles } from "../../../src/adapters/system/files.ts";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { instant } from "../../../src/domain/instant.ts";
import { lsn } from "../../../src/domain/lsn.ts";
import type { RecoveryPoint } from "../../../src/domain/recovery-point.ts";
import type { Verdict } from "../../../src/domain/verdict.ts";
import { askChecks, type Check, type CheckContext, type CheckedServer } from "../../../src/engine/check.ts";
import { judgeArchiveCommand } from "../../../src/engine/checks/archive-command.ts";
import { judgeArchiveTimeout } from "../../../src/engine/checks/archive-timeout.ts";
import { assessChecks, checks, doctorChecks, loadChecks, type CheckName } from "../../../src/engine/checks/registry.ts";
import { judgeSpace } from "../../../src/engine/checks/space.ts";
import { giveToServer, startServer, type TestServer } from "../../support/server.ts";

const shell = createShell();
const connector = createSqlConnector();
const postgres = createPostgres(shell, connector, process.env);

async function context(
  server: TestServer | null,
  more: Partial<CheckContext> & { readonly user?: string } = {},
): Promise<CheckContext & AsyncDisposable> {
  const { user = "postgres", ...rest } = more;
  let checked: CheckedServer = { state: "unreachable", message: "nothing listens on db1:5432", next: "Start it." };
  if (server !== null) {
    const target = {
      host: server.socketDirectory,
      port: server.port,
      user,
      database: "postgres",
      tls: { mode: "disable" },
      applicationName: "test",
      connectTimeoutSeconds: 5,
    } as const;
    const sql = await connector.connect(target);
    checked = { state: "up", sql, user, identity: await postgres.identify(sql, target) };
  }
  return {
    cluster: "shop",
    now: systemClock.now(),
    server: checked,
    directory: server === null ? null : await postgres.inspect(server.dataDirectory),
    installation: await postgres.installation(15),
    repositories: [],
    survey: null,
    objectives: { rpo: null, rto: null },
    backupPeriod: null,
    archiveCommand: "pgrescue wal-push %p --cluster shop",
    places: server === null ? [] : [{ name: "data directory", path: server.dataDirectory }],
    postgres,
    files: createFiles(),
    shell,
    ...rest,
    [Symbol.asyncDispose]: async () => {
      if (checked.state === "up") await checked.sql.close();
    },
  };
}

async function ask(names: readonly CheckName[], asked: CheckContext): Promise<readonly Verdict[]> {
  const all: Verdict[] = [];
  for await (const verdict of askChecks(await loadChecks(names), asked)) all.push(verdict);
  return all;
}

async function results(
  names: readonly CheckName[],
  asked: CheckContext,
): Promise<{ readonly [check: string]: string }> {
  return Object.fromEntries((await ask(names, asked)).map((v) => [v.check.split(":")[0], v.result]));
}

function point(systemIdentifier: string, finishedAt: bigint): RecoveryPoint {
  return {
    id: "b1",
    kind: "base",
    format: "native",
    repository: "main",
    cluster: "shop",
    status: "ok",
    systemIdentifier,
    postgresVersion: 150_004,
    timeline: 1,
    startedAt: instant(finishedAt),
    finishedAt: instant(finishedAt),
    startLsn: lsn(1n),
    stopLsn: lsn(2n),
    segmentSize: 1 << 24,
    bytes: 1,
    storedBytes: 1,
    encrypted: false,
    tablespaces: [],
    walIncluded: false,
  };
}

describe("doctor on a real server", () => {
  test("a server as initdb leaves it is told what it lacks, with the lines that mend it", async () => {
    await using server = await startServer({ checksums: false });
    await using asked = await context(server, { objectives: { rpo: 300, rto: null } });
    const verdicts = await ask(doctorChecks, asked);
    const of = (check: string) => verdicts.find((v) => v.check === check);
    expect(of("server")).toMatchObject({ result: "pass" });
    expect(of("wal-level")).toMatchObject({ result: "pass" });
    expect(of("archive-mode")).toMatchObject({
      result: "fail",
      data: { alter: "ALTER SYSTEM SET archive_mode = 'on';", apply: "restart" },
    });
    expect(of("archive-command")).toMatchObject({
      result: "fail",
      data: { alter: "ALTER SYSTEM SET archive_command = 'pgrescue wal-push %p --cluster shop';", apply: "reload" },
    });
    expect(of("archive-timeout")).toMatchObject({
      result: "fail",
      evidence: expect.stringContaining("5m00 cannot hold"),
      data: { alter: "ALTER SYSTEM SET archive_timeout = '60s';", apply: "reload" },
    });
    expect(of("archiver")).toMatchObject({ result: "skip" });
    expect(of("checksums")).toMatchObject({ result: "warn" });
    expect(of("rights")).toMatchObject({ result: "pass" });
    expect(of("tools")).toMatchObject({ result: "pass" });
    expect(of("repositories")).toMatchObject({ result: "fail" });
    expect(of("newest-backup")).toMatchObject({ result: "unknown" });
    // What it proposes is what the server takes.
    for (const { data } of verdicts)
      if (typeof data === "object" && data !== null && "alter" in data && typeof data["alter"] === "string")
        await server.sql(data["alter"]);
    await server.stop();
    await server.start();
    await using after = await context(server, { objectives: { rpo: 300, rto: null } });
    expect(await results(["archive-mode", "archive-command", "archive-timeout"], after)).toEqual({
      "archive-mode": "pass",
      "archive-command": "pass",
      "archive-timeout": "pass",
    });
  });

  test("an archiver that fails is seen, with what waits for it, also when the server is down", async () => {
    await using server = await startServer({ archiveCommand: "exit 1" });
    await server.sql("create table t(i int)");
    await server.sql("select pg_switch_wal()");
    for (let i = 0; i < 100 && (await server.sql("select failed_count > 0 from pg_stat_archiver")) !== "t"; i++)
      await new Promise((done) => setTimeout(done, 50));
    await using up = await context(server);
    expect(await results(["archiver", "archiver-queue"], up)).toEqual({ archiver: "fail", "archiver-queue": "pass" });
    await server.stop("immediate");
    await using down = await context(null, { directory: await postgres.inspect(server.dataDirectory) });
    expect(await ask(["archiver-queue", "must-not", "server-log"], down)).toMatchObject([
      { result: "fail", evidence: expect.stringContaining("only in") },
      { evidence: expect.stringMatching(/^do not delete files in pg_wal \(\d+ segments are only there\), /) },
      expect.anything(),
    ]);
  });

  test("a role without rights is told what to grant, and has them afterwards", async () => {
    await using server = await startServer();
    await server.sql("create role saver login");
    await using before = await context(server, { user: "saver" });
    const [verdict] = await ask(["rights"], before);
    expect(verdict).toMatchObject({ result: "fail", evidence: expect.stringContaining("pg_backup_start") });
    const { sql: lines } = (verdict?.data ?? { sql: [] }) as { readonly sql: readonly string[] };
    for (const line of lines) await server.sql(line);
    await using after = await context(server, { user: "saver" });
    expect(await results(["rights", "wal-senders", "slots", "archive-mode", "checksums"], after)).toMatchObject({
      rights: "pass",
      "wal-senders": "pass",
      slots: "pass",
      checksums: "pass",
    });
  });

  test("a forgotten slot without a limit is a warning", async () => {
    await using server = await startServer();
    await server.sql("select pg_create_physical_replication_slot('old', true)");
    await using asked = await context(server);
    expect(await ask(["slots"], asked)).toMatchObject([
      { check: "slots:old", result: "warn", data: { apply: "reload" } },
    ]);
  });

  test("backups of another system are the alarm that this is the wrong host", async () => {
    await using server = await startServer();
    const id = await server.sql("select system_identifier from pg_control_system()");
    const survey = (systemIdentifier: string) => ({
      points: [point(systemIdentifier, systemClock.now())],
      windows: [],
      holes: [],
      warnings: [],
    });
    await using right = await context(server, { survey: survey(id) });
    expect(await results(["right-host", "newest-backup", "second-primary"], right)).toEqual({
      "right-host": "pass",
      "newest-backup": "pass",
      "second-primary": "pass",
    });
    await using wrong = await context(server, { survey: survey("42") });
    expect(await ask(["right-host"], wrong)).toMatchObject([
      { result: "fail", evidence: expect.stringContaining("of 42") },
    ]);
    const old = { ...survey(id), points: [{ ...point(id, systemClock.now() - 3n * 86_400_000_000n), timeline: 2 }] };
    await using late = await context(server, { survey: old });
    expect(await results(["newest-backup", "second-primary"], late)).toEqual({
      "newest-backup": "warn",
      "second-primary": "warn",
    });
  });

  test("space is judged once per file system", async () => {
    await using server = await startServer();
    await mkdir(join(server.directory, "repo"));
    await giveToServer(join(server.directory, "repo"));
    await using asked = await context(server, {
      places: [
        { name: "data directory", path: server.dataDirectory },
        { name: "repository main", path: join(server.directory, "repo") },
      ],
    });
    const verdicts = await ask(["space"], asked);
    expect(verdicts).toHaveLength(1);
    expect(verdicts[0]?.evidence).toMatch(/^repository main, data directory: .* free at /);
  });
});

describe("checks when nothing answers", () => {
  test("every check gives a verdict, none throws, and not one of the server's passes", async () => {
    await using asked = await context(null);
    const verdicts = await ask([...new Set([...doctorChecks, ...assessChecks])], asked);
    expect(new Set(verdicts.map((v) => v.check.split(":")[0]))).toEqual(new Set(Object.keys(checks)));
    const needServer = [
      "wal-level",
      "archive-mode",
      "archive-command",
      "archive-timeout",
      "archiver",
      "wal-senders",
      "slots",
      "checksums",
      "rights",
    ];
    for (const v of verdicts) if (needServer.includes(v.check)) expect(v.result).toBe("unknown");
  });

  test("a check that throws or hangs is unknown", async () => {
    await using asked = await context(null);
    const bad: Check = { id: "bad", title: "Bad", ask: () => Promise.reject(new Error("broken pipe")) };
    const slow: Check = { id: "slow", title: "Slow", ask: () => new Promise(() => undefined) };
    const all: Verdict[] = [];
    for await (const verdict of askChecks([bad, slow], asked, 50)) all.push(verdict);
    expect(all).toMatchObject([
      { result: "unknown", evidence: "could not be asked: broken pipe" },
      { result: "unknown", evidence: expect.stringContaining("no answer") },
    ]);
  });
});

describe("judging", () => {
  test.each([
    ["", "fail"],
    ["/bin/true", "fail"],
    ["exit 0", "fail"],
    ["echo done", "fail"],
    ["cp %p /mnt/archive/%f", "warn"],
    ["test ! -f /mnt/%f && cp %p /mnt/%f", "warn"],
    ["rsync -a %p host:/a/%f; exit 0", "warn"],
    ["pgbackrest --stanza=shop archive-push %p", "warn"],
    ["pgrescue wal-push %p --cluster shop", "pass"],
  ])("archive_command %j is %s", (command, result) => {
    expect(judgeArchiveCommand(command, "pgrescue wal-push %p").result).toBe(result);
  });

  test.each([
    [0, null, "warn"],
    [0, 300, "fail"],
    [300, 300, "fail"],
    [60, 300, "pass"],
    [3600, null, "warn"],
  ])("archive_timeout %d with an objective of %s is %s", (seconds, rpo, result) => {
    expect(judgeArchiveTimeout(seconds, rpo).result).toBe(result);
  });

  test("too little space is a failure, too little for a restore a warning", () => {
    expect(judgeSpace("pg_wal", "/", 1e6, 1e12, true).result).toBe("fail");
    expect(judgeSpace("scratch", "/", 5e11, 1e12, true).result).toBe("warn");
    expect(judgeSpace("scratch", "/", 2e12, 1e12, true).result).toBe("pass");
    expect(judgeSpace("scratch", "/", 2e12, 1e12, false).result).toBe("warn");
  });
});
