import { execFileSync } from "node:child_process";
import { appendFile, mkdir, readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { otherMajor } from "../support/major.ts";
import { pgrescue, type ProgramResult } from "../support/program.ts";
import { giveToServer, startServer, temporaryDirectory, type TestServer } from "../support/server.ts";

const seventeen = otherMajor(17);

interface Points {
  readonly points: readonly {
    readonly id: string;
    readonly kind: string;
    readonly status: string;
    readonly reason?: string;
    readonly format: string;
    readonly systemIdentifier: string;
    readonly postgresVersion: number;
    readonly databases?: readonly string[];
  }[];
  readonly windows: readonly { readonly systemIdentifier: string }[];
  readonly holes: readonly unknown[];
  readonly warnings: readonly string[];
}

interface Night extends AsyncDisposable {
  readonly directory: string;
  readonly repository: string;
  readonly server: TestServer;
  basebackup(place: string, ...flags: readonly string[]): Promise<void>;
  /** Switches and waits until all WAL up to now is in the archive. */
  archived(): Promise<void>;
  run(...words: readonly string[]): Promise<ProgramResult>;
  points(): Promise<Points>;
  /** Recovers everything into a fresh directory and asks the copy. */
  recovered(ask: string, ...words: readonly string[]): Promise<string>;
}

/** A server with a cron line's backups: `archive` is what stands in archive_command, with %d for the place. */
async function night(archive: string, tablespaces: readonly string[] = [], bin: string | null = null): Promise<Night> {
  await using stack = new AsyncDisposableStack();
  const { path: directory } = stack.use(await temporaryDirectory());
  const repository = join(directory, "backups");
  await mkdir(join(repository, "wal"), { recursive: true });
  await mkdir(join(directory, "state"));
  await giveToServer(directory);
  const server = stack.use(
    await startServer({
      tablespaces,
      ...(bin === null ? {} : { bin }),
      archiveCommand: archive.replaceAll("%d", join(repository, "wal")),
      settings: { max_wal_senders: "4" },
    }),
  );
  const owned = stack.move();
  let copies = 0;
  const run = (...words: readonly string[]): Promise<ProgramResult> =>
    pgrescue([...words, "--repository", repository, "--state-dir", join(directory, "state")], {
      env: bin === null ? {} : { PATH: `${bin}:${process.env["PATH"] ?? ""}` },
    });
  return {
    directory,
    repository,
    server,
    run,
    basebackup: async (place, ...flags) => {
      const argv = ["pg_basebackup", "-h", server.socketDirectory, "-p", String(server.port), "-U", "postgres"];
      const result = await server.run([...argv, "-c", "fast", "-D", join(repository, place), ...flags]);
      if (result.exit !== 0) throw new Error(result.stderr);
    },
    archived: async () => {
      const last = await server.sql("select pg_walfile_name(pg_switch_wal() - 1)");
      await expect
        .poll(() => server.sql("select coalesce(last_archived_wal, '') from pg_stat_archiver"), { timeout: 20_000 })
        .toSatisfy((name: string) => name.slice(0, 24) >= last);
    },
    points: async () => {
      const { exit, stdout, stderr } = await run("points", "--json");
      expect(exit, stderr).toBe(0);
      return JSON.parse(stdout) as Points;
    },
    recovered: async (ask, ...words) => {
      const to = join(directory, `copy-${copies++}`);
      const { exit, stdout, stderr } = await run("recover", ...words, "--to", to, "--yes", "--no-input", "--headless");
      expect(exit, stderr).toBe(0);
      const answer = await server.run(["psql", "-XqAt", "-d", stdout.trim(), "-c", ask]);
      await server.run(["pg_ctl", "-D", to, "-m", "immediate", "-w", "stop"]);
      return answer.stdout.trim();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

describe.each([
  ["WAL by cp", "test ! -f %d/%f && cp %p %d/%f", ["2026-11-20", "2026-11-21", "nightly/three", "four"], null],
  ["WAL by gzip", "gzip < %p > %d/%f.gz", ["2026-11-20"], null],
  ["WAL by zstd", "zstd -q < %p > %d/%f.zst", ["four"], null],
  ...(seventeen === null ? [] : ([["PostgreSQL 17", "zstd -q < %p > %d/%f.zst", ["2026-11-21"], seventeen]] as const)),
] as const)("%s", (_name, archive, recovered, bin) => {
  let it: Night;
  beforeAll(async () => {
    it = await night(archive, ["fast"], bin);
    await it.server.sql(
      "create table t as select n from generate_series(1, 1000) n; create table f tablespace fast as select 1 as n",
    );
  });
  afterAll(async () => {
    await it[Symbol.asyncDispose]();
  });

  test("base backups of pg_basebackup are points, and what came after them can be reached", async () => {
    await it.basebackup("2026-11-20", "-Ft", "-X", "none");
    await it.server.sql("insert into t select n from generate_series(1001, 1100) n; insert into f values (2)");
    await it.archived();
    await it.basebackup("2026-11-21", "-Ft", "-z", "-X", "stream");
    await it.basebackup("nightly/three", "-Ft", "--compress=server-lz4", "-X", "fetch");
    await it.basebackup("four", "-Ft", "--compress=client-zstd", "-X", "stream", "--no-manifest");
    await it.server.sql("insert into t select n from generate_series(1101, 1150) n");
    await it.archived();
    await it.archived();
    const found = await it.points();
    expect(found.points.map((p) => [p.id, p.kind, p.status, p.format, p.reason]).toSorted(byFirst)).toEqual([
      ["2026-11-20", "base", "ok", "plain", undefined],
      ["2026-11-21", "base", "ok", "plain", undefined],
      ["four", "base", "ok", "plain", undefined],
      ["nightly/three", "base", "ok", "plain", undefined],
    ]);
    expect(new Set(found.points.map((p) => p.postgresVersion))).toEqual(
      new Set([(await it.server.sql("show server_version_num")).slice(0, 2)].map((major) => Number(major) * 10_000)),
    );
    expect(found.windows).toHaveLength(1);
    expect(found.holes).toEqual([]);
  });

  test.each(recovered)("%s is recovered to the last commit", async (point) => {
    const to = join(it.directory, `space-${point.replace("/", "-")}`);
    const oid = await it.server.sql("select oid from pg_tablespace where spcname = 'fast'");
    expect(
      await it.recovered(
        "select (select count(*) from t), (select count(*) from f)",
        "--latest",
        "--point",
        point,
        "--tablespace",
        `${oid}=${to}`,
      ),
    ).toBe("1150|2");
  });
});

test("files of pg_basebackup -Fp, one of two systems in one place, with holes and torn uploads told apart", async () => {
  await using it = await night("cp %p %d/%f");
  await using other = await startServer({
    archiveCommand: `mkdir -p ${it.repository}/other && gzip < %p > ${it.repository}/other/%f.gz`,
    settings: { max_wal_senders: "4" },
  });
  await it.server.sql("create table t as select n from generate_series(1, 500) n");
  await it.basebackup("plain", "-Fp", "-X", "none");
  await it.server.sql("insert into t values (0)");
  await it.archived();
  const middle = await it.server.sql("select pg_walfile_name(pg_current_wal_lsn())");
  await it.archived();
  await it.server.sql("insert into t values (0)");
  await it.archived();
  await other.sql("select pg_switch_wal()");
  const answer = await it.recovered("select count(*) from t", "--latest", "--cluster", "shop");
  expect(answer).toBe("502");
  const before = await it.points();
  expect(before.points.map((p) => p.status)).toEqual(["ok"]);
  // Half a segment: what `aws s3 cp` or cp leaves when it is killed.
  await truncate(join(it.repository, "wal", middle), 5_000_000);
  const torn = await it.points();
  expect(torn.holes).toHaveLength(1);
  expect(torn.holes[0]).toMatchObject({ fromSegment: middle, toSegment: middle });
  // Without its control file it is no backup.
  await writeFile(join(it.repository, "plain", "global", "pg_control"), "");
  expect((await it.points()).points.map((p) => p.status)).toEqual(["not-restorable"]);
});

test("dumps in any wrapping are points, whatever their names say, and no recovery begins with one", async () => {
  await using it = await night("cp %p %d/%f");
  await it.server.sql("create table t as select 1 as n");
  const connect = ["-h", it.server.socketDirectory, "-p", String(it.server.port), "-U", "postgres"];
  const dump = async (file: string, ...argv: readonly string[]): Promise<void> => {
    const result = await it.server.run([...argv, ...connect, "-f", join(it.repository, file)]);
    expect(result.exit, result.stderr).toBe(0);
  };
  await dump("a.dump", "pg_dump", "-Fc", "-d", "postgres");
  await dump("plain.sql", "pg_dump", "-d", "postgres");
  await dump("everything.sql", "pg_dumpall");
  await dump("tar.bak", "pg_dump", "-Ft", "-d", "postgres");
  await dump("directory", "pg_dump", "-Fd", "-d", "postgres");
  // What some cron lines do: a custom archive through gzip, called SQL.
  execFileSync("sh", ["-c", `gzip < ${it.repository}/a.dump > ${it.repository}/backup-0300.sql.gz`]);
  execFileSync("sh", ["-c", `zstd -q < ${it.repository}/plain.sql > ${it.repository}/roles.zst`]);
  await giveToServer(it.repository);
  const { points } = await it.points();
  expect(points.map((p) => [p.id, p.kind, p.databases?.[0] ?? null, p.postgresVersion > 0]).toSorted(byFirst)).toEqual([
    ["a.dump", "dump", "postgres", true],
    ["backup-0300.sql.gz", "dump", "postgres", true],
    ["directory", "dump", "postgres", true],
    ["everything.sql", "dump", null, true],
    ["plain.sql", "dump", null, true],
    ["roles.zst", "dump", null, true],
    ["tar.bak", "dump", "postgres", true],
  ]);
  const { exit } = await it.run("recover", "--latest", "--to", join(it.directory, "x"), "--yes", "--no-input");
  expect(exit).toBe(20);
});

test("a place with nothing of PostgreSQL's is not a repository, and none is ever written to", async () => {
  await using it = await night("cp %p %d/%f");
  await appendFile(join(it.repository, "notes.txt"), "buy milk\n");
  const empty = await it.run("points");
  expect(empty.exit).toBe(10);
  await it.basebackup("one", "-Ft", "-X", "stream");
  const names = await readdir(it.repository, { recursive: true });
  const config = join(it.directory, "pgrescue.yaml");
  const connection = `{ host: ${it.server.socketDirectory}, port: ${it.server.port}, user: postgres }`;
  await writeFile(
    config,
    `clusters:\n  shop:\n    connection: ${connection}\n    dataDirectory: ${it.server.dataDirectory}\n    repositories: [main]\nrepositories:\n  main: { url: "file://${it.repository}" }\n`,
  );
  const { exit, stderr } = await pgrescue([
    "backup",
    "--no-input",
    "--config",
    config,
    "--state-dir",
    join(it.directory, "state"),
  ]);
  expect(exit).not.toBe(0);
  expect(stderr).toMatch(/no pgrescue.json|only read|read-only/);
  expect((await readdir(it.repository, { recursive: true })).filter((n) => !n.startsWith("wal/"))).toEqual(
    names.filter((n) => !n.startsWith("wal/")),
  );
  expect(await readFile(join(it.repository, "notes.txt"), "utf8")).toBe("buy milk\n");
});

function byFirst([a]: readonly unknown[], [b]: readonly unknown[]): number {
  return String(a) < String(b) ? -1 : 1;
}
