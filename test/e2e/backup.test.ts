import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, chmod, mkdir, readdir, readFile, symlink, unlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { openJournal } from "../../src/adapters/journal/file-journal.ts";
import { createBackupTaker } from "../../src/adapters/postgres/backup/take-backup.ts";
import { createSqlConnector } from "../../src/adapters/postgres/sql.ts";
import { openNativeRepository } from "../../src/adapters/repository/native/repository.ts";
import { openStore } from "../../src/adapters/storage/registry.ts";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { createShell } from "../../src/adapters/system/exec.ts";
import type { RunState } from "../../src/domain/run/state.ts";
import type { Runbook } from "../../src/domain/runbook.ts";
import { startRun } from "../../src/engine/runner.ts";
import { steps } from "../../src/engine/steps/registry.ts";
import type { World } from "../../src/engine/world.ts";
import type { BackupRequest } from "../../src/ports/backup-source.ts";
import type { Repository } from "../../src/ports/repository.ts";
import type { ConnectionTarget } from "../../src/ports/sql.ts";
import { collect } from "../support/collect.ts";
import {
  giveToServer,
  startServer,
  temporaryDirectory,
  type TestServer,
  type TestServerOptions,
} from "../support/server.ts";

interface Scene extends AsyncDisposable {
  readonly directory: string;
  readonly server: TestServer;
  readonly target: ConnectionTarget;
  readonly url: string;
  readonly repository: Repository;
  readonly request: BackupRequest;
}

async function scene(options: TestServerOptions = {}): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await temporaryDirectory());
  const server = stack.use(await startServer(options));
  const url = pathToFileURL(join(place.path, "repository")).href;
  const repository = await openNativeRepository({
    name: "main",
    url,
    store: await openStore(url, { create: true }),
    create: true,
  });
  const target: ConnectionTarget = {
    host: server.socketDirectory,
    port: server.port,
    user: "postgres",
    database: "postgres",
    tls: { mode: "disable" },
    applicationName: "pgrescue",
    connectTimeoutSeconds: 5,
  };
  const request: BackupRequest = {
    run: "run-1",
    cluster: "shop",
    repository: "main",
    source: "local",
    wal: "auto",
    label: "e2e",
    checkpoint: "fast",
    walTimeoutSeconds: 60,
    dataDirectory: null,
    scratchDirectory: place.path,
  };
  const owned = stack.move();
  return {
    directory: place.path,
    server,
    target,
    url,
    repository,
    request,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function takerOf({ target, repository }: Scene): World["backups"] {
  return createBackupTaker({
    sql: createSqlConnector(),
    clock: systemClock,
    connection: async () => target,
    repository: async () => repository,
  });
}

async function command(server: TestServer, argv: readonly string[], input?: string): Promise<string> {
  const result = await server.run(argv, input === undefined ? {} : { input });
  if (result.exit !== 0) throw new Error(`${argv.join(" ")} exited ${result.exit}: ${result.stdout}${result.stderr}`);
  return result.stdout.trim();
}

describe.each(["local", "remote"] as const)("a backup from the %s source in the native format", (source) => {
  test("comes up again with tar, zstd and the server's own programs alone", async () => {
    await using world = await scene({ tablespaces: ["fast"], settings: { max_wal_size: "'64MB'" } });
    const { server } = world;
    await server.sql(
      "create table t as select i, md5(i::text) as m from generate_series(1, 200000) i; create table f tablespace fast as select generate_series(1, 5000) i",
    );
    const expected = await server.sql("select count(*), md5(string_agg(m, '' order by i)) from t");
    await collect(takerOf(world).take({ ...world.request, source }, new AbortController().signal));
    const [point] = await collect(world.repository.points());
    expect(point).toMatchObject({ status: "ok", walIncluded: true, run: "run-1", tablespaces: [{ name: "fast" }] });
    const folder = join(world.directory, "repository", "shop", point?.systemIdentifier ?? "", "base", point?.id ?? "");
    const restored = join(world.directory, "restored");
    const oid = String(point?.tablespaces[0]?.oid);
    const shell = createShell();
    for (const [archive, to] of [
      ["base", restored],
      [oid, join(world.directory, "space")],
    ] as const) {
      await mkdir(to, { mode: 0o700 });
      const done = await shell.run([
        "tar",
        "--use-compress-program=zstd",
        "-xf",
        join(folder, `${archive}.tar.zst`),
        "-C",
        to,
      ]);
      expect(done).toMatchObject({ exit: 0, stderr: "" });
    }
    await unlink(join(restored, "pg_tblspc", oid));
    await symlink(join(world.directory, "space"), join(restored, "pg_tblspc", oid));
    await chmod(restored, 0o700);
    await appendFile(
      join(restored, "postgresql.auto.conf"),
      `restore_command = 'zstd -qdc ${join(folder, "wal")}/%f.zst > %p'\nrecovery_target = immediate\nrecovery_target_action = promote\nrecovery_target_timeline = current\nport = ${server.port}\nunix_socket_directories = '${world.directory}'\nlisten_addresses = ''\n`,
    );
    await writeFile(join(restored, "recovery.signal"), "");
    await server.stop();
    await giveToServer(world.directory);
    try {
      const manifest = await shell.run(["zstd", "-dc", join(folder, "backup_manifest.zst")]);
      await writeFile(join(world.directory, "backup_manifest"), manifest.stdout, { mode: 0o644 });
      // The two files that recovery itself adds are not looked at by pg_verifybackup.
      expect(
        await server.run(["pg_verifybackup", "-n", "-m", join(world.directory, "backup_manifest"), restored]),
      ).toMatchObject({ exit: 0, stderr: "" });
      await command(server, ["pg_ctl", "-D", restored, "-l", join(world.directory, "log"), "-w", "start"]);
      const sql = (text: string): Promise<string> =>
        command(
          server,
          [
            "psql",
            "-XqAt",
            "-h",
            world.directory,
            "-p",
            String(server.port),
            "-U",
            "postgres",
            "-d",
            "postgres",
            "-f",
            "-",
          ],
          text,
        );
      await expect.poll(() => sql("select pg_is_in_recovery()"), { timeout: 20_000 }).toBe("f");
      expect(await sql("select count(*), md5(string_agg(m, '' order by i)) from t")).toBe(expected);
      expect(await sql("select count(*) from f")).toBe("5000");
    } finally {
      await server.run(["pg_ctl", "-D", restored, "-m", "immediate", "-w", "stop"]);
    }
  });
});

test("a backup that is killed at any moment is never offered, and the next one is", { timeout: 120_000 }, async () => {
  await using world = await scene();
  await world.server.sql("create table t as select i, md5(i::text) as m from generate_series(1, 600000) i");
  // Seeded, so that a failure can be repeated; from before the first byte to the commit.
  for (const [round, moment] of [350, 500, 650, 800, 1000].entries()) {
    const given = JSON.stringify({
      target: world.target,
      url: world.url,
      request: { ...world.request, run: `killed-${round}` },
    });
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL("./take-backup-process.ts", import.meta.url)), given],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), moment);
    await once(child, "close");
    clearTimeout(timer);
    const points = await collect(world.repository.points());
    const offered = points.filter((point) => point.status === "ok").map((point) => point.run);
    if (!said.includes("finished")) expect(offered).not.toContain(`killed-${round}`);
  }
  // The killed one's session may live until the server notices.
  await expect
    .poll(() => world.server.sql("select count(*) from pg_locks where locktype = 'advisory'"), { timeout: 20_000 })
    .toBe("0");
  await collect(takerOf(world).take({ ...world.request, run: "whole" }, new AbortController().signal));
  const points = await collect(world.repository.points());
  expect(points.filter((point) => point.status === "ok").map((point) => point.run)).toContain("whole");
});

/** Runs the backup's runbook in a directory of its own; the same name goes on with the run. */
async function runRunbook(
  world: Scene,
  name: string,
  inputs: { readonly [name: string]: string | number | null } = {},
): Promise<RunState> {
  const directory = join(world.directory, name);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const runbook = parse(await readFile(new URL("../../runbooks/backup.yaml", import.meta.url), "utf8")) as Runbook;
  const { journal, history } = await openJournal(join(directory, "journal.jsonl"), { run: name, clock: systemClock });
  const actor = { user: "tester", host: hostname(), pid: process.pid };
  const handle = startRun({
    spec: {
      schema: "pgrescue.run-spec/v1",
      run: name,
      kind: "backup",
      cluster: "shop",
      runbook,
      sha256: "",
      confirm: "shop@here",
      actor,
      version: "test",
      lock: null,
      settings: {},
      inputs: {
        method: "backup",
        cluster: "shop",
        repository: "main",
        source: "auto",
        wal: "auto",
        label: "test",
        checkpoint: "fast",
        walTimeoutSeconds: 30,
        dataDirectory: null,
        ...inputs,
      },
    },
    launch: { schema: "pgrescue.run-launch/v1", interactive: false, answers: {}, actor, task: "run" },
    // The steps of a backup ask for nothing else of the world.
    world: {
      clock: systemClock,
      shell: createShell(),
      sql: createSqlConnector(),
      backups: takerOf(world),
      repository: async () => world.repository,
    } as unknown as World,
    directory,
    journal,
    history,
    steps,
    pid: process.pid,
  });
  await handle.finished;
  await journal.close();
  return handle.state();
}

test("the runbook takes a backup, looks at it, and does nothing when it goes on afterwards", async () => {
  await using world = await scene();
  const first = await runRunbook(world, "R1");
  expect(first.outcome).toMatchObject({ result: "done-with-warnings", exitCode: 0 });
  expect(first.recorded["backup"]).toMatchObject({ source: "local", walIncluded: true, warnings: [] });
  expect(first.verdicts.map((v) => `${v.verdict.check} ${v.verdict.result}`)).toEqual(
    expect.arrayContaining([
      "backup.server pass",
      "backup.archiving warn",
      "backup.space pass",
      "backup.pages pass",
      "backup.members pass",
      "backup.wal pass",
    ]),
  );
  await runRunbook(world, "R1");
  expect(await collect(world.repository.points())).toHaveLength(1);
});

test("the runbook refuses before it copies when the server is down", async () => {
  await using world = await scene();
  await world.server.stop();
  const state = await runRunbook(world, "R1");
  expect(state.outcome).toMatchObject({ exitCode: 30, code: "precondition-refused" });
  expect(await collect(world.repository.points())).toEqual([]);
  expect(await readdir(join(world.directory, "repository"))).toEqual(["pgrescue.json"]);
});
