import { cp, mkdir, appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createShell } from "../../../src/adapters/system/exec.ts";
import { instant, type Instant } from "../../../src/domain/instant.ts";
import { parseLsn } from "../../../src/domain/lsn.ts";
import type { RecoveryPoint } from "../../../src/domain/recovery-point.ts";
import { isRefusal } from "../../../src/domain/refusal.ts";
import type { Target } from "../../../src/domain/target.ts";
import { planRecovery, type RecoveryPlan } from "../../../src/engine/planning/plan-recovery.ts";
import { surveyRepositories } from "../../../src/engine/planning/survey.ts";
import { giveToServer, startServer, temporaryDirectory, type TestServer } from "../../support/server.ts";
import { archiveAll, clock, plainArchive, segmentSize, systemOf, worldOf } from "./archived-server.ts";

const shell = createShell();
let server: TestServer;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let wal: string;
let point: RecoveryPoint;
const times: Record<string, Instant> = {};
const xids: Record<string, number> = {};

async function commit(s: Pick<TestServer, "sql">, name: string): Promise<void> {
  xids[name] = Number(
    (await s.sql(`BEGIN; INSERT INTO t VALUES ('${name}'); SELECT pg_current_xact_id(); COMMIT`)).trim(),
  );
  times[name] = await clock(server);
}

async function asServer(argv: readonly string[]): Promise<string> {
  const result = await shell.run(argv, { ...(server.owner === undefined ? {} : { as: server.owner }), cwd: "/tmp" });
  if (result.exit !== 0) throw new Error(`${argv.join(" ")}: ${result.stderr}${result.stdout}`);
  return result.stdout;
}

const psql = (port: number, sql: string) =>
  asServer([
    join(server.bin, "psql"),
    "-qAtX",
    "-h",
    directory.path,
    "-p",
    String(port),
    "-U",
    "postgres",
    "-c",
    sql,
    "postgres",
  ]);

beforeAll(async () => {
  directory = await temporaryDirectory();
  wal = join(directory.path, "wal");
  await mkdir(wal);
  await giveToServer(directory.path);
  server = await startServer({ segmentSizeMiB: 1, archiveCommand: `cp %p ${wal}/%f`, settings: { autovacuum: "off" } });
  await server.sql("CREATE TABLE t (name text)");
  await commit(server, "before");
  const startedAt = await clock(server);
  await asServer([
    join(server.bin, "pg_basebackup"),
    "-h",
    server.socketDirectory,
    "-p",
    String(server.port),
    "-U",
    "postgres",
    "-D",
    join(directory.path, "base"),
    "-X",
    "none",
    "-c",
    "fast",
    "--no-manifest",
    "-P",
    "-v",
  ]);
  const label = await asServer(["cat", join(directory.path, "base", "backup_label")]);
  const stop = (await server.sql("SELECT pg_current_wal_lsn()")).trim();
  point = {
    id: "P",
    kind: "base",
    format: "native",
    repository: "main",
    cluster: "shop",
    status: "ok",
    systemIdentifier: await systemOf(server),
    postgresVersion: 150_000,
    timeline: 1,
    startedAt,
    finishedAt: await clock(server),
    startLsn: parseLsn(/START WAL LOCATION: (\S+)/.exec(label)?.[1] ?? "")!,
    stopLsn: parseLsn(stop)!,
    segmentSize,
    bytes: 1,
    storedBytes: 1,
    encrypted: false,
    tablespaces: [],
    walIncluded: false,
  };
  await commit(server, "one");
  await server.sql("SELECT pg_create_restore_point('mark')");
  await commit(server, "two");
  await server.sql("SELECT pg_switch_wal()");
  await server.sql("CREATE DATABASE doomed");
  await commit(server, "three");
  await server.sql("DROP DATABASE doomed");
  await commit(server, "four");
  await archiveAll(server);
}, 60_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

async function plan(
  target: Target,
  more: { inclusive?: boolean; timeline?: number; current?: number; action?: "pause" | "promote" } = {},
): Promise<RecoveryPlan> {
  const answer = await planRecovery(
    {
      cluster: "shop",
      host: "db1",
      now: instant(0n),
      target: { target, inclusive: more.inclusive ?? true, timeline: more.timeline ?? null },
      method: "restore-to-scratch",
      action: more.action ?? "pause",
      point: null,
      production: {
        dataDirectory: null,
        port: 5432,
        socketDirectory: "/run",
        isRunning: true,
        systemIdentifier: null,
        timeline: more.current ?? null,
        floors: {},
      },
      destination: { dataDirectory: "/srv/scratch", port: 5499, socketDirectory: null },
      tablespaces: {},
      speeds: { restore: null, replay: null, basis: "" },
    },
    worldOf([point], plainArchive(wal, point.systemIdentifier)),
  );
  if (isRefusal(answer)) throw new Error(`${answer.refusal}: ${answer.message}`);
  return answer;
}

let port = 40_000 + (process.pid % 20_000);

/** Recovers a copy of the backup with a plan's settings, to the real end of recovery. */
async function recover(
  planned: RecoveryPlan,
  archiving = false,
): Promise<AsyncDisposable & { readonly rows: string; sql(text: string): Promise<string> }> {
  const own = ++port;
  const data = join(directory.path, `copy-${own}`);
  await cp(join(directory.path, "base"), data, { recursive: true });
  const settings = { ...planned.inputs.settings, recovery_target_action: planned.inputs.targetAction };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'`);
  await appendFile(
    join(data, "postgresql.auto.conf"),
    [
      `restore_command = 'cp ${wal}/%f %p'`,
      `port = ${own}`,
      `unix_socket_directories = '${directory.path}'`,
      archiving ? "" : "archive_mode = off",
      ...lines,
      "",
    ].join("\n"),
  );
  await writeFile(join(data, "recovery.signal"), "");
  await giveToServer(data);
  await asServer([join(server.bin, "pg_ctl"), "start", "-w", "-D", data, "-l", join(data, "log")]);
  for (let tries = 0; ; tries++) {
    const state = await psql(
      own,
      "SELECT CASE WHEN pg_is_in_recovery() THEN pg_get_wal_replay_pause_state() ELSE 'over' END",
    ).catch(() => "");
    if (state.trim() === "paused" || state.trim() === "over") break;
    if (tries > 200) throw new Error(`recovery does not end: ${state}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    rows: (await psql(own, "SELECT string_agg(name, ' ' ORDER BY ctid) FROM t")).trim(),
    sql: (text) => psql(own, text),
    [Symbol.asyncDispose]: async () =>
      void (await asServer([join(server.bin, "pg_ctl"), "stop", "-m", "immediate", "-w", "-D", data])),
  };
}

describe("PostgreSQL stops where the plan says", () => {
  const cases: [string, () => Promise<RecoveryPlan>, string][] = [
    ["a time between commits", () => plan({ kind: "time", time: times["one"]! }), "before one"],
    ["the end of the backup", () => plan({ kind: "immediate" }), "before"],
    [
      "just before a transaction",
      () => plan({ kind: "xid", xid: xids["three"]! }, { inclusive: false }),
      "before one two",
    ],
    ["a transaction", () => plan({ kind: "xid", xid: xids["two"]! }), "before one two"],
    ["a restore point", () => plan({ kind: "name", name: "mark" }), "before one"],
    [
      "a commit's position, exclusive",
      async () =>
        plan(
          { kind: "lsn", lsn: (await plan({ kind: "xid", xid: xids["two"]! })).target.lastCommit!.lsn },
          { inclusive: false },
        ),
      "before one",
    ],
    [
      "the last commit's own time, with none after it",
      async () => plan({ kind: "time", time: (await plan({ kind: "xid", xid: xids["four"]! })).target.lastCommit!.at }),
      "before one two three four",
    ],
    ["everything, paused", () => plan({ kind: "latest" }), "before one two three four"],
    ["the last commit before DROP DATABASE", () => plan({ kind: "xid", xid: xids["three"]! }), "before one two three"],
  ];

  test.each(cases)("%s", async (_name, planned, rows) => {
    const found = await planned();
    await using copy = await recover(found);
    expect(copy.rows).toBe(rows);
    if (_name.includes("DROP DATABASE"))
      expect((await copy.sql("SELECT datconnlimit FROM pg_database WHERE datname = 'doomed'")).trim()).toBe("-1");
  });
});

describe("after a recovery has left another timeline in the archive", () => {
  beforeAll(async () => {
    // A first attempt, promoted and archiving where it should not: timeline 2 leaves 1 after "one".
    const first = await plan({ kind: "time", time: times["one"]! }, { action: "promote" });
    await using copy = await recover(first, true);
    await copy.sql("INSERT INTO t VALUES ('other')");
    await copy.sql("SELECT pg_switch_wal()");
    for (let tries = 0; tries < 200; tries++) {
      if (
        (
          await copy.sql(
            "SELECT count(*) FROM pg_stat_archiver WHERE last_archived_wal LIKE '00000002%' AND last_archived_wal NOT LIKE '%history'",
          )
        ).trim() === "1"
      )
        break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }, 30_000);

  test("production's own timeline is followed where it is known, and the other one is pointed out", async () => {
    const planned = await plan({ kind: "latest" }, { current: 1 });
    expect(planned.inputs.settings["recovery_target_timeline"]).toBe("1");
    expect(planned.inputs.warnings.join()).toContain("timeline 2 holds commits");
    await using copy = await recover(planned);
    expect(copy.rows).toBe("before one two three four");
  });

  test("without knowing it the one with the newest commit is taken, and what it lacks is pointed out", async () => {
    const planned = await plan({ kind: "latest" });
    expect(planned.inputs.settings["recovery_target_timeline"]).toBe("2");
    expect(planned.inputs.warnings.join()).toContain("timeline 1 holds commits");
    await using copy = await recover(planned);
    expect(copy.rows).toBe("before one other");
  });

  test("an explicit timeline is obeyed, and a transaction is found on the one that has it", async () => {
    const asked = await plan({ kind: "xid", xid: xids["four"]! }, { timeline: 1 });
    expect(asked.inputs.settings).toMatchObject({ recovery_target_timeline: "1" });
    const found = await plan({ kind: "xid", xid: xids["four"]! });
    expect(found.inputs.settings).toMatchObject({ recovery_target_timeline: "1" });
    expect(found.inputs.warnings.join()).toContain("found on timeline 1");
  });

  test("each branch is a window of its own", async () => {
    const survey = await surveyRepositories(worldOf([point], plainArchive(wal, point.systemIdentifier)), "shop");
    expect(survey.windows.map((w) => [w.timeline, w.from.point])).toEqual([
      [1, "P"],
      [2, "P"],
    ]);
    expect(survey.windows[0]?.until.xid).toBe(xids["four"]);
  });
});
