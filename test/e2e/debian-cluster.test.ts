import { chmod, chown, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { resolveConnection } from "../../src/adapters/postgres/connection.ts";
import { createPostgres } from "../../src/adapters/postgres/postgres.ts";
import { createSqlConnector } from "../../src/adapters/postgres/sql.ts";
import { createShell } from "../../src/adapters/system/exec.ts";
import { programFor, type Program } from "../../src/adapters/system/program.ts";
import type { CommandResult } from "../../src/ports/shell.ts";
import { createDebianCluster, noDebianCluster, type DebianCluster } from "../support/debian-cluster.ts";
import { newRepository } from "../support/new-repository.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const why = await noDebianCluster();
if (why !== null && (process.env["REQUIRE_TESTS"] ?? "").includes("debian")) throw new Error(`REQUIRE_TESTS: ${why}`);
const shell = createShell();
const postgres = createPostgres(shell, createSqlConnector(), process.env);

let cluster: DebianCluster;
let directory: string;
let program: Program;
let configuration: string;
let dispose: () => Promise<void> = async () => undefined;

/** Runs pgrescue as root, or as the cluster's owner, with its groups. */
async function pgrescue(as: "root" | "postgres", ...words: readonly string[]): Promise<CommandResult> {
  return await shell.run([program.node, program.script, ...words, "--config", configuration], {
    ...(as === "root" ? {} : { as: cluster.owner }),
    env: { HOME: "/nonexistent" },
    timeout: 100_000,
  });
}

function documentOf(result: CommandResult): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(result.stdout.trim().split("\n").at(-1) ?? "");
    return value as Record<string, unknown>;
  } catch {
    throw new Error(`exit ${result.exit}: ${result.stdout}\n${result.stderr}`);
  }
}

describe.skipIf(why !== null)(`a cluster as Debian makes it${why === null ? "" : ` (${why})`}`, () => {
  beforeAll(async () => {
    const temporary = await temporaryDirectory();
    directory = temporary.path;
    await chmod(directory, 0o755);
    cluster = await createDebianCluster();
    dispose = async () => {
      await cluster[Symbol.asyncDispose]();
      await temporary[Symbol.asyncDispose]();
    };
    program = await programFor(cluster.owner, shell);
    for (const name of ["repository", "state", "scratch"]) {
      await mkdir(join(directory, name), { mode: 0o700 });
      await chown(join(directory, name), cluster.owner.uid, cluster.owner.gid);
    }
    await newRepository(join(directory, "repository"));
    await chown(join(directory, "repository", "pgrescue.json"), cluster.owner.uid, cluster.owner.gid);
    configuration = join(directory, "pgrescue.yaml");
    await writeFile(
      configuration,
      `stateDirectory: ${directory}/state
clusters:
  shop:
    connection: {host: /var/run/postgresql, port: ${cluster.port}, user: postgres}
    dataDirectory: ${cluster.dataDirectory}
    repositories: [main]
    objectives: {rpo: 5m}
    scratch: {directory: ${directory}/scratch}
repositories:
  main: {url: "file://${directory}/repository"}
`,
    );
    await cluster.configure({
      archive_mode: "on",
      archive_command: `${program.node} ${program.script} wal-push %p --config ${configuration} --cluster shop`,
    });
    await cluster.control("restart");
  }, 120_000);
  afterAll(async () => await dispose());

  test("its configuration in /etc, its log and what manages it are found, running and stopped", async () => {
    const look = async () => {
      const found = await postgres.inspect(cluster.dataDirectory);
      return {
        found,
        files: await postgres.configurationFiles(cluster.dataDirectory, 15),
        control: await postgres.serverControl(found, 15, { kind: "auto" }),
      };
    };
    const up = await look();
    expect(up.found).toMatchObject({
      kind: "cluster",
      postmaster: { port: cluster.port, socketDirectory: "/var/run/postgresql" },
    });
    expect(up.files).toMatchObject({
      configFile: cluster.configFile,
      inDataDirectory: false,
      hbaFile: cluster.configFile.replace("postgresql.conf", "pg_hba.conf"),
      startSettings: { config_file: cluster.configFile },
    });
    expect(up.control).toMatchObject({
      kind: "control",
      control: { kind: "pg_ctlcluster", stop: ["pg_ctlcluster", "15", cluster.name, "stop", "--mode", "fast"] },
    });
    expect((await postgres.serverLog(up.found, 5))?.file).toBe(`/var/log/postgresql/postgresql-15-${cluster.name}.log`);
    if (up.control.kind !== "control") return;
    const { stop, start, status } = up.control.control;
    expect((await shell.run(stop)).exit).toBe(0);
    const down = await look();
    expect(down.found.postmaster).toBeNull();
    expect(down.files?.configFile).toBe(cluster.configFile);
    expect(down.control).toMatchObject({ control: { kind: "pg_ctlcluster" } });
    expect((await shell.run(status)).exit).toBe(3);
    // As the owner too: that is whom pgrescue works as.
    expect((await shell.run(start, { as: cluster.owner })).exit).toBe(0);
    expect((await shell.run(status)).exit).toBe(0);
  });

  test("a plain pg_ctl start fails there, and ours with config_file works", async () => {
    await cluster.control("stop");
    const installation = await postgres.installation(15);
    const files = await postgres.configurationFiles(cluster.dataDirectory, 15);
    const start = (settings: { readonly [name: string]: string }) =>
      postgres.startCommand({
        dataDirectory: cluster.dataDirectory,
        installation,
        settings,
        logFile: join(directory, "state", "start.log"),
      });
    const plain = await shell.run(
      start({}).map((word) => (word === "-W" ? "-w" : word)),
      { as: cluster.owner },
    );
    expect(plain.exit).not.toBe(0);
    expect(await readFile(join(directory, "state", "start.log"), "utf8")).toContain("postgresql.conf");
    expect(
      (
        await shell.run(
          start(files?.startSettings ?? {}).map((word) => (word === "-W" ? "-w" : word)),
          { as: cluster.owner },
        )
      ).exit,
    ).toBe(0);
    // The TLS key is readable only through the group ssl-cert: the server would not have started without it.
    expect(await cluster.sql("show ssl")).toBe("on");
    expect(
      (
        await shell.run(postgres.stopCommand({ dataDirectory: cluster.dataDirectory, installation, mode: "fast" }), {
          as: cluster.owner,
        })
      ).exit,
    ).toBe(0);
    await cluster.control("start");
  });

  test("root is told about peer, a password over TLS works, and the certificate's name is checked", async () => {
    const from = { environment: {}, home: directory, user: "root", shell };
    const connector = createSqlConnector();
    const socket = await resolveConnection({ host: "/var/run/postgresql", port: cluster.port, user: "postgres" }, from);
    await expect(connector.connect(socket)).rejects.toMatchObject({
      code: "credentials",
      message: expect.stringContaining("Peer authentication failed"),
      next: expect.stringContaining("operating system user postgres"),
    });
    const secret = join(directory, "dba");
    await writeFile(secret, `${cluster.password}\n`, { mode: 0o600 });
    const tcp = { host: "127.0.0.1", port: cluster.port, user: "dba", database: "postgres", passwordFile: secret };
    const target = await resolveConnection({ ...tcp, sslmode: "require" }, from);
    const sql = await connector.connect(target);
    expect(await sql.query("select ssl from pg_stat_ssl where pid = pg_backend_pid()")).toEqual([{ ssl: true }]);
    expect(await postgres.identify(sql, target)).toMatchObject({
      host: hostname(),
      role: "primary",
      dataDirectory: cluster.dataDirectory,
      configFile: cluster.configFile,
      timeline: 1,
    });
    await sql.close();
    const strict = await resolveConnection(
      { ...tcp, sslmode: "verify-full", sslrootcert: "/etc/ssl/certs/ssl-cert-snakeoil.pem" },
      from,
    );
    await expect(connector.connect(strict)).rejects.toMatchObject({ message: expect.stringContaining("another name") });
  });

  test.each(["root", "postgres"] as const)("doctor and status work as %s, through peer", async (who) => {
    const doctor = documentOf(await pgrescue(who, "doctor", "--json"));
    expect(doctor).toMatchObject({ schema: "pgrescue.doctor/v1", cluster: "shop" });
    const verdicts = doctor["verdicts"] as readonly {
      readonly check: string;
      readonly result: string;
      readonly evidence: string;
    }[];
    const of = (check: string) => verdicts.find((v) => v.check === check);
    expect(of("server")).toMatchObject({
      result: "pass",
      evidence: expect.stringContaining(`primary on ${hostname()}:${cluster.port}`),
    });
    expect(of("archive-mode")?.result).toBe("pass");
    expect(of("archive-command")?.result).toBe("pass");
    expect(of("archive-timeout")?.result).toBe("fail");
    expect(of("rights")?.result).toBe("pass");
    expect(of("repositories:main")?.result).toBe("pass");
    const status = documentOf(await pgrescue(who, "status", "--json"));
    expect(status).toMatchObject({
      schema: "pgrescue.status/v1",
      server: { state: "up", role: "primary", port: cluster.port },
    });
    const text = await pgrescue(who, "doctor");
    expect(text.stdout).toContain("ALTER SYSTEM SET archive_timeout = '60s';");
    expect(text.stdout).toContain("SELECT pg_reload_conf();");
  });

  test.each(["root", "postgres"] as const)(
    "the whole recovery works as %s: backup, a mistake, another directory, the row is back",
    async (who) => {
      const table = `orders_${who}`;
      await cluster.sql(`create table ${table}(id int); insert into ${table} values (1)`);
      const backup = await pgrescue(who, "backup", "--no-input");
      expect(backup.exit, backup.stderr + backup.stdout).toBe(0);
      await cluster.sql(`insert into ${table} values (2)`);
      const xid = (await cluster.sql(`begin; delete from ${table}; select txid_current(); commit;`)).trim();
      await cluster.sql("select pg_switch_wal()");
      for (
        let i = 0;
        i < 200 &&
        (await cluster.sql(
          "select last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 1) from pg_stat_archiver",
        )) !== "t";
        i++
      )
        await new Promise((done) => setTimeout(done, 100));
      const to = join(directory, "scratch", who);
      const recovered = await pgrescue(
        who,
        "recover",
        "--target-before-xid",
        xid,
        "--to",
        to,
        "--no-input",
        "--yes",
        "--json",
      );
      expect(recovered.exit, recovered.stderr + recovered.stdout).toBe(0);
      expect((await stat(to)).uid).toBe(cluster.owner.uid);
      const found = await postgres.inspect(to);
      const { postmaster } = found;
      if (postmaster === null) throw new Error("the restored server does not run");
      const rows = await shell.run(
        [
          "psql",
          "-XqAt",
          "-h",
          postmaster.socketDirectory,
          "-p",
          String(postmaster.port),
          "-U",
          "postgres",
          "-d",
          "postgres",
          "-c",
          `select string_agg(id::text, ',' order by id) from ${table}`,
        ],
        { as: cluster.owner },
      );
      expect(rows.stdout.trim(), rows.stderr).toBe("1,2");
      // Production was not touched.
      expect(await cluster.sql(`select count(*) from ${table}`)).toBe("0");
      const installation = await postgres.installation(15);
      await shell.run(postgres.stopCommand({ dataDirectory: to, installation, mode: "immediate" }), {
        as: cluster.owner,
      });
    },
  );

  test("in place as root: stopped and started through pg_ctlcluster, the configuration in /etc stays what it was", async () => {
    const before = await readFile(cluster.configFile, "utf8");
    await cluster.sql("create table ledger(id int); insert into ledger values (1)");
    expect((await pgrescue("root", "backup", "--no-input")).exit).toBe(0);
    await cluster.sql("insert into ledger values (2)");
    const xid = (await cluster.sql("begin; drop table ledger; select txid_current(); commit;")).trim();
    const recovered = await pgrescue(
      "root",
      "recover",
      "--method",
      "rewind-in-place",
      "--target-before-xid",
      xid,
      "--confirm",
      `shop@${hostname()}`,
      "--yes",
      "--no-input",
      "--json",
    );
    expect(recovered.exit, recovered.stderr + recovered.stdout).toBe(0);
    expect(await cluster.sql("select string_agg(id::text, ',' order by id) from ledger")).toBe("1,2");
    expect(await cluster.sql("select pg_is_in_recovery()")).toBe("f");
    expect(await cluster.sql("show port")).toBe(String(cluster.port));
    expect(await cluster.sql("show archive_mode")).toBe("on");
    expect(await readFile(cluster.configFile, "utf8")).toBe(before);
    expect((await shell.run(["pg_ctlcluster", "15", cluster.name, "status"])).exit).toBe(0);
  });
});
