import { appendFile, chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createBackupTaker } from "../../../../src/adapters/postgres/backup/take-backup.ts";
import { createSqlConnector } from "../../../../src/adapters/postgres/sql.ts";
import { freePort } from "../../../../src/adapters/postgres/throwaway-server.ts";
import { systemClock } from "../../../../src/adapters/system/clock.ts";
import { Secret } from "../../../../src/domain/secret.ts";
import type { BackupRequest, BackupSignal } from "../../../../src/ports/backup-source.ts";
import type { ConnectionTarget } from "../../../../src/ports/sql.ts";
import { giveToServer, startServer, temporaryDirectory } from "../../../support/server.ts";
import { requestFor, startTree } from "./harness.ts";
import { treeRepository, type TreeRepository } from "./tree-repository.ts";

async function take(
  store: TreeRepository,
  target: ConnectionTarget,
  request: BackupRequest,
): Promise<Extract<BackupSignal, { signal: "finished" }>> {
  const options = {
    sql: createSqlConnector(),
    clock: systemClock,
    connection: async () => target,
    repository: async () => store.repository,
  };
  for await (const said of createBackupTaker(options).take(request, new AbortController().signal)) {
    if (said.signal === "finished") return said;
  }
  throw new Error("the backup did not finish");
}

test("a remote backup works with scram over tls, and the password stands nowhere", async () => {
  await using place = await temporaryDirectory();
  await using server = await startServer({
    settings: {
      ssl: "on",
      ssl_cert_file: "'/etc/ssl/certs/ssl-cert-snakeoil.pem'",
      ssl_key_file: "'/etc/ssl/private/ssl-cert-snakeoil.key'",
    },
  });
  await server.sql(
    "create role keeper login superuser replication password 'Geheim-2026'; create table t as select generate_series(1, 1000) i",
  );
  await writeFile(
    join(server.dataDirectory, "pg_hba.conf"),
    "local all all trust\nhostssl all keeper 127.0.0.1/32 scram-sha-256\nhostssl replication keeper 127.0.0.1/32 scram-sha-256\n",
  );
  await server.sql("select pg_reload_conf()");
  const target: ConnectionTarget = {
    host: "127.0.0.1",
    port: server.port,
    user: "keeper",
    database: "postgres",
    password: new Secret("Geheim-2026"),
    tls: { mode: "require" },
    applicationName: "pgrescue",
    connectTimeoutSeconds: 5,
  };
  const store = treeRepository(place.path, join(place.path, "none"));
  const { source } = await take(store, target, requestFor(place.path, { source: "remote" }));
  expect(source).toBe("remote");
  await using restored = await startTree(server, store.tree, join(store.tree, "wal"));
  expect(await restored.sql("select count(*) from t")).toBe("1000");
  const wrong = { ...target, password: new Secret("Wrong-2026") };
  const refused = await take(store, wrong, requestFor(place.path, { source: "remote" })).catch(
    (error: unknown) => error,
  );
  expect(refused).toMatchObject({ code: "credentials" });
  expect(JSON.stringify(refused) + String(refused)).not.toContain("Wrong-2026");
});

test.each(["local", "remote"] as const)("a backup of a standby from the %s source is consistent", async (source) => {
  await using place = await temporaryDirectory();
  await using wal = await temporaryDirectory();
  await giveToServer(wal.path);
  await using primary = await startServer({
    archiveCommand: `cp %p ${wal.path}/%f`,
    settings: { archive_timeout: "1" },
  });
  await primary.sql("create table t as select generate_series(1, 1000) i");
  const standby = join(primary.directory, "standby");
  const sockets = join(primary.directory, "standby-socket");
  const port = await freePort();
  await mkdir(sockets);
  await chmod(sockets, 0o755);
  await giveToServer(sockets);
  const must = async (argv: readonly string[]): Promise<void> =>
    expect(await primary.run(argv)).toMatchObject({ exit: 0 });
  await must([
    "pg_basebackup",
    "-h",
    primary.socketDirectory,
    "-p",
    String(primary.port),
    "-U",
    "postgres",
    "-D",
    standby,
    "-R",
    "-X",
    "stream",
    "-c",
    "fast",
  ]);
  await appendFile(join(standby, "postgresql.auto.conf"), `port = ${port}\nunix_socket_directories = '${sockets}'\n`);
  await must(["pg_ctl", "-D", standby, "-l", join(primary.directory, "standby.log"), "-w", "start"]);
  try {
    await primary.sql("insert into t select generate_series(1, 500); checkpoint");
    const reached = await primary.sql("select pg_current_wal_flush_lsn()");
    const replayed = `select pg_last_wal_replay_lsn() >= '${reached}'`;
    const ask = ["psql", "-XqAt", "-h", sockets, "-p", String(port), "-U", "postgres", "-c", replayed];
    await expect.poll(async () => (await primary.run(ask)).stdout.trim(), { timeout: 20_000 }).toBe("t");
    const target: ConnectionTarget = {
      host: sockets,
      port,
      user: "postgres",
      database: "postgres",
      tls: { mode: "disable" },
      applicationName: "pgrescue",
      connectTimeoutSeconds: 5,
    };
    const store = treeRepository(place.path, wal.path);
    // The primary goes on writing, so that its segments end and are archived.
    const load = setInterval(() => void primary.sql("insert into t values (0)").catch(() => undefined), 300);
    const finished = await take(store, target, requestFor(place.path, { source })).finally(() => clearInterval(load));
    expect(finished).toMatchObject({ source, point: { walIncluded: false, timeline: 1 } });
    await using restored = await startTree(primary, store.tree, wal.path);
    expect(Number(await restored.sql("select count(*) from t"))).toBeGreaterThanOrEqual(1500);
  } finally {
    await primary.run(["pg_ctl", "-D", standby, "-m", "immediate", "-w", "stop"]);
  }
});
