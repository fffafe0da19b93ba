import { chmod, mkdir, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createPostgres } from "../../../src/adapters/postgres/postgres.ts";
import { createSqlConnector } from "../../../src/adapters/postgres/sql.ts";
import { createShell } from "../../../src/adapters/system/exec.ts";
import { startServer, temporaryDirectory } from "../../support/server.ts";

const postgres = createPostgres(createShell(), createSqlConnector(), process.env);

describe("installations", () => {
  test("the programs of an installed major version are found with their version", async () => {
    const all = await postgres.installations();
    const first = all.at(-1);
    expect(first?.bin).toMatch(/bin$/);
    const one = await postgres.installation(first?.major ?? 0);
    expect(Math.floor(one.version / 10_000)).toBe(one.major);
  });

  test("a major version that is not installed is refused with the command that installs it", async () => {
    await expect(postgres.installation(42)).rejects.toMatchObject({
      code: "precondition-refused",
      next: expect.stringContaining("apt-get install postgresql-42"),
    });
  });

  test("a configured directory of another major version is refused", async () => {
    const [any] = await postgres.installations();
    await expect(postgres.installation(42, any?.bin ?? "")).rejects.toMatchObject({
      message: expect.stringContaining("version 42 is needed"),
    });
  });
});

describe("inspecting a data directory", () => {
  test("links that somebody made relative are told by where they lead", async () => {
    await using dir = await temporaryDirectory();
    await mkdir(join(dir.path, "data", "pg_tblspc"), { recursive: true });
    await symlink("../wal", join(dir.path, "data", "pg_wal"));
    await symlink("../../space", join(dir.path, "data", "pg_tblspc", "16385"));
    const real = await realpath(dir.path);
    expect(await postgres.inspect(join(dir.path, "data"))).toMatchObject({
      walLink: join(real, "wal"),
      tablespaceLinks: { "16385": join(real, "space") },
    });
  });

  test("missing, empty, unfinished and foreign directories are told apart", async () => {
    await using dir = await temporaryDirectory();
    expect((await postgres.inspect(join(dir.path, "none"))).kind).toBe("missing");
    const at = join(dir.path, "data");
    await mkdir(at);
    expect((await postgres.inspect(at)).kind).toBe("empty");
    // kill -9 between the first write of a restore and its mark's rename leaves this and nothing else.
    await writeFile(join(at, ".pgrescue-restore.0123456789ab.tmp"), "");
    expect((await postgres.inspect(at)).kind).toBe("unfinished-restore");
    await writeFile(join(at, "notes.txt"), "");
    expect((await postgres.inspect(at)).kind).toBe("other-files");
    await writeFile(join(at, ".pgrescue-restore"), "");
    await writeFile(join(at, "PG_VERSION"), "15\n");
    expect(await postgres.inspect(at)).toMatchObject({ kind: "unfinished-restore", major: 15, control: null });
  });

  test("a running server, its control data and its tablespaces are seen, and the same directory after a crash", async () => {
    await using server = await startServer({ tablespaces: ["fast"] });
    const up = await postgres.inspect(server.dataDirectory);
    const id = await server.sql("select system_identifier from pg_control_system()");
    expect(up).toMatchObject({
      kind: "cluster",
      stalePidFile: false,
      postmaster: { port: server.port, socketDirectory: server.socketDirectory },
    });
    expect(up.control).toMatchObject({
      systemIdentifier: id,
      state: "in production",
      timeline: 1,
      checksums: true,
      blockSize: 8192,
      segmentSize: 16 * 1024 * 1024,
    });
    expect(up.control?.floors).toMatchObject({
      max_connections: 100,
      max_locks_per_transaction: 64,
      max_prepared_transactions: 0,
    });
    expect(up.control?.checkpointTime).not.toBeNull();
    expect(Object.values(up.tablespaceLinks)).toEqual([join(server.directory, "tablespace-fast")]);
    if (server.owner !== undefined) expect(up.owner?.name).toBe("postgres");

    const files = await postgres.configurationFiles(server.dataDirectory, 15);
    expect(files).toMatchObject({
      inDataDirectory: true,
      configFile: join(server.dataDirectory, "postgresql.conf"),
      startSettings: {},
    });
    expect(
      files === null
        ? null
        : (await postgres.readConfiguration(files.configFile, server.dataDirectory)).settings["port"]?.value,
    ).toBe(String(server.port));

    await server.stop("immediate");
    // Its number may have been given to another program: that one is not a postmaster of this directory.
    await writeFile(
      join(server.dataDirectory, "postmaster.pid"),
      `${process.pid}\n${server.dataDirectory}\n1\n${server.port}\n${server.socketDirectory}\n`,
    );
    await chmod(join(server.dataDirectory, "postmaster.pid"), 0o600);
    expect(await postgres.inspect(server.dataDirectory)).toMatchObject({
      postmaster: null,
      stalePidFile: true,
      control: { state: "in production" },
    });
    await rm(join(server.dataDirectory, "postmaster.pid"));
  });

  test("a damaged pg_control is reported as damage", async () => {
    await using server = await startServer();
    await server.stop();
    const control = join(server.dataDirectory, "global/pg_control");
    await writeFile(control, Buffer.alloc(8192, 7));
    const installation = await postgres.installation(15);
    await expect(postgres.controlData(server.dataDirectory, installation)).rejects.toMatchObject({
      code: "damaged-data",
    });
    expect((await postgres.inspect(server.dataDirectory)).control).toBeNull();
  });
});
