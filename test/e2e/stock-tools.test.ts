import { appendFile, chmod, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { expect, it } from "vitest";
import { ageCipher } from "../../src/adapters/crypto/age-cipher.ts";
import { createBackupTaker } from "../../src/adapters/postgres/backup/take-backup.ts";
import { createSqlConnector } from "../../src/adapters/postgres/sql.ts";
import { openNativeRepository } from "../../src/adapters/repository/native/repository.ts";
import { openStore } from "../../src/adapters/storage/registry.ts";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { createShell } from "../../src/adapters/system/exec.ts";
import type { RecoveryPoint } from "../../src/domain/recovery-point.ts";
import { Secret } from "../../src/domain/secret.ts";
import type { Repository } from "../../src/ports/repository.ts";
import { collect } from "../support/collect.ts";
import { giveToServer, startServer, temporaryDirectory, type TestServer } from "../support/server.ts";

it.each([
  ["", false],
  ["encrypted ", true],
])(
  "brings a %spoint up with the commands of docs/repository-format.md, configuration from the catalog",
  async (_, isEncrypted) => {
    await using place = await temporaryDirectory();
    await using server = await startServer({
      tablespaces: ["fast"],
      settings: { work_mem: "'7MB'", wal_keep_size: "'1GB'" },
    });
    await server.sql(
      "create table t as select i from generate_series(1, 1000) i; create table f tablespace fast as select 1 as i",
    );
    const { repository, point } = await takeBackup(place.path, server, isEncrypted);
    await server.sql("insert into t select 0 from generate_series(1, 500)");
    await server.stop();
    await archiveAll(repository, point, server);

    const system = join(place.path, "repository", "shop", point.systemIdentifier);
    const variables = {
      B: join(system, "base", point.id),
      W: join(system, "wal"),
      D: join(place.path, "restored"),
      K: join(place.path, "key"),
      C: join(place.path, "decrypted"),
    };
    const oid = String(point.tablespaces[0]?.oid);
    const [check, unpack, unpackSpace, verify, configure, fetchScript, settings, , decrypt] =
      await documentedCommands();
    const follow = async (script: string | undefined): Promise<void> => {
      const here = (script ?? "exit 9")
        .replaceAll("16385", oid)
        .replaceAll("/srv/restored", join(place.path, "spaces"));
      const path = `${server.bin}:${process.env["PATH"] ?? ""}`;
      const result = await createShell().run(["sh", "-e", "-c", here], { env: { ...variables, PATH: path } });
      expect(result, `${here}\n${result.stdout}${result.stderr}`).toMatchObject({ exit: 0 });
    };
    await mkdir(join(place.path, "spaces"));
    await follow(check);
    if (isEncrypted) {
      await follow(decrypt);
      Object.assign(variables, { B: join(variables.C, "backup"), W: join(variables.C, "wal") });
    }
    for (const script of [unpack, unpackSpace, verify]) await follow(script);
    await rm(join(variables.D, "postgresql.conf"));
    await rm(join(variables.D, "pg_hba.conf"));
    await follow(configure);
    const fetch = join(place.path, "fetch.sh");
    await writeFile(fetch, fetchScript ?? "", { mode: 0o755 });
    // Everything up to the start, which is this test's own: another user, another place for the socket, no time to stop at.
    await follow(
      (settings ?? "")
        .replace("/path/to/fetch.sh", fetch)
        .replace(/recovery_target_time =.*\n/, "")
        .replace(/recovery_target_action.*\n/, "")
        .replace(/pg_ctl .*\n/, ""),
    );
    await appendFile(
      join(variables.D, "postgresql.auto.conf"),
      `port = ${server.port}\nunix_socket_directories = '${place.path}'\n`,
    );
    await chmod(place.path, 0o755);
    await giveToServer(place.path);
    const started = await server.run(["pg_ctl", "-D", variables.D, "-l", join(place.path, "log"), "-w", "start"]);
    try {
      expect(started, await readFile(join(place.path, "log"), "utf8")).toMatchObject({ exit: 0 });
      await expect.poll(() => ask(server, place.path, "select pg_is_in_recovery()"), { timeout: 20_000 }).toBe("f");
      expect(await ask(server, place.path, "select count(*) from t")).toBe("1500");
      expect(await ask(server, place.path, "select count(*) from f")).toBe("1");
      expect(await ask(server, place.path, "show work_mem")).toBe("7MB");
    } finally {
      await server.run(["pg_ctl", "-D", variables.D, "-m", "immediate", "-w", "stop"]);
    }
  },
);

async function takeBackup(
  directory: string,
  server: TestServer,
  isEncrypted: boolean,
): Promise<{ readonly repository: Repository; readonly point: RecoveryPoint }> {
  const store = await openStore(join(directory, "repository"), { create: true });
  const identity = await generateX25519Identity();
  await writeFile(join(directory, "key"), `${identity}\n`);
  const repository = await openNativeRepository({
    name: "main",
    url: store.url,
    store,
    create: true,
    ...(isEncrypted
      ? {
          recipients: [await identityToRecipient(identity)],
          cipherFor: (recipients) => ageCipher(recipients, async () => [new Secret(identity)]),
        }
      : {}),
  });
  const taker = createBackupTaker({
    sql: createSqlConnector(),
    clock: systemClock,
    connection: async () => ({
      host: server.socketDirectory,
      port: server.port,
      user: "postgres",
      database: "postgres",
      tls: { mode: "disable" },
      applicationName: "pgrescue",
      connectTimeoutSeconds: 5,
    }),
    repository: async () => repository,
  });
  const request = {
    run: "run-1",
    cluster: "shop",
    repository: "main",
    source: "local",
    wal: "include",
    label: "e2e",
    checkpoint: "fast",
    walTimeoutSeconds: 60,
    dataDirectory: null,
    scratchDirectory: directory,
  } as const;
  await collect(taker.take(request, new AbortController().signal));
  const [point] = await collect(repository.points());
  if (point === undefined) throw new Error("the backup is not there");
  return { repository, point };
}

/** What archive_command would have brought, and what was saved of the last segment. */
async function archiveAll(repository: Repository, point: RecoveryPoint, server: TestServer): Promise<void> {
  const archive = repository.wal("shop", point.systemIdentifier);
  const directory = join(server.dataDirectory, "pg_wal");
  for (const name of (await readdir(directory)).toSorted()) {
    // Segments that were recycled bear names of the future and other pages.
    if (/^[0-9A-F]{24}$/.test(name))
      await archive.store(name, await readFile(join(directory, name))).catch(() => undefined);
  }
}

/** The shell commands under "Restoring without pgrescue", one text for each block. */
async function documentedCommands(): Promise<readonly string[]> {
  const text = await readFile(new URL("../../docs/repository-format.md", import.meta.url), "utf8");
  const section = text.slice(text.indexOf("## Restoring without pgrescue"));
  return [...section.matchAll(/^( *)```sh\n([\s\S]*?)^ *```$/gm)].map(([, indent = "", body = ""]) =>
    body.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
  );
}

async function ask(server: TestServer, socketDirectory: string, text: string): Promise<string> {
  const result = await server.run([
    "psql",
    "-XqAt",
    "-h",
    socketDirectory,
    "-p",
    String(server.port),
    "-U",
    "postgres",
    "-d",
    "postgres",
    "-c",
    text,
  ]);
  return result.stdout.trim();
}
