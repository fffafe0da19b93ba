import { mkdir, writeFile, chmod } from "node:fs/promises";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { describe, expect, test } from "vitest";
import { createPostgres } from "../../../src/adapters/postgres/postgres.ts";
import { createSqlConnector } from "../../../src/adapters/postgres/sql.ts";
import { unitInCgroup } from "../../../src/adapters/postgres/systemd.ts";
import { createShell } from "../../../src/adapters/system/exec.ts";
import { giveToServer, startServer, temporaryDirectory } from "../../support/server.ts";

const shell = createShell();
const postgres = createPostgres(shell, createSqlConnector(), process.env);

describe("who manages a server", () => {
  test("nobody: pg_ctl, whose commands really stop and start it", async () => {
    await using server = await startServer();
    const directory = await postgres.inspect(server.dataDirectory);
    const found = await postgres.serverControl(directory, 15, { kind: "auto" });
    expect(found).toMatchObject({ kind: "control", control: { kind: "pg_ctl" } });
    if (found.kind !== "control") return;
    const as = server.owner === undefined ? {} : { as: server.owner };
    expect((await shell.run(found.control.status, as)).exit).toBe(0);
    expect((await shell.run(found.control.stop, as)).exit).toBe(0);
    expect((await shell.run(found.control.status, as)).exit).toBe(3);
    expect((await postgres.inspect(server.dataDirectory)).postmaster).toBeNull();
    // The log goes where it went.
    expect(found.control.start).toContain(server.logFile);
    expect((await shell.run(found.control.start, as)).exit).toBe(0);
    expect(await server.sql("select 1")).toBe("1");
  });

  test("commands of the configuration are taken as they are", async () => {
    await using dir = await temporaryDirectory();
    const commands = { start: ["svc", "up"], stop: ["svc", "down"], status: ["svc", "is"] };
    const found = await postgres.serverControl(await postgres.inspect(dir.path), 15, { kind: "command", ...commands });
    expect(found).toEqual({ kind: "control", control: { kind: "command", ...commands }, because: "configured" });
  });

  test("a running patroni is refused until it is paused", async () => {
    await using dir = await temporaryDirectory();
    const data = join(dir.path, "data");
    await mkdir(data);
    await writeFile(join(data, "PG_VERSION"), "15\n");
    const program = join(dir.path, "patroni");
    await writeFile(program, "#!/bin/sh\nsleep 20\n");
    await chmod(program, 0o755);
    await writeFile(join(dir.path, "patroni.yml"), `postgresql:\n  data_dir: ${data}\n`);
    await giveToServer(data);
    const look = async () => postgres.serverControl(await postgres.inspect(data), 15, { kind: "auto" });
    expect(await look()).toMatchObject({ kind: "control" });
    const child = spawn(program, [join(dir.path, "patroni.yml")], { stdio: "ignore" });
    try {
      expect(await look()).toMatchObject({
        kind: "refused",
        message: expect.stringContaining("patroni"),
        next: expect.stringContaining("patronictl pause"),
      });
      await writeFile(join(data, "patroni.dynamic.json"), JSON.stringify({ ttl: 30, pause: true }));
      expect(await look()).toMatchObject({ kind: "control", because: "patroni is paused" });
    } finally {
      child.kill("SIGKILL");
      await new Promise((done) => child.once("exit", done));
    }
  });

  test("a systemd unit is read from a control group, a login session is none", () => {
    expect(unitInCgroup("0::/system.slice/system-postgresql.slice/postgresql@15-main.service\n")).toBe(
      "postgresql@15-main.service",
    );
    expect(unitInCgroup("0::/user.slice/user-1000.slice/user@1000.service/app.slice/foo.scope\n")).toBeNull();
    expect(unitInCgroup("0::/user.slice/user-0.slice/session-3.scope\n")).toBeNull();
    expect(unitInCgroup("9:name=systemd:/\n0::/\n")).toBeNull();
  });
});

describe("starting and stopping our own", () => {
  test("settings on the command line may hold spaces and quotes", async () => {
    await using server = await startServer();
    await server.stop();
    const installation = await postgres.installation(15);
    const as = server.owner === undefined ? {} : { as: server.owner };
    const start = postgres.startCommand({
      dataDirectory: server.dataDirectory,
      installation,
      logFile: server.logFile,
      settings: { cluster_name: `it's "mine"; $HOME` },
    });
    expect((await shell.run(start, as)).exit).toBe(0);
    for (
      let i = 0;
      i < 100 &&
      !(await server.sql("select 1").then(
        () => true,
        () => false,
      ));
      i++
    )
      await new Promise((done) => setTimeout(done, 50));
    expect(await server.sql("show cluster_name")).toBe(`it's "mine"; $HOME`);
    expect(
      (await shell.run(postgres.stopCommand({ dataDirectory: server.dataDirectory, installation, mode: "fast" }), as))
        .exit,
    ).toBe(0);
    expect((await postgres.inspect(server.dataDirectory)).postmaster).toBeNull();
  });

  test("the log's end is found", async () => {
    await using server = await startServer();
    const log = await postgres.serverLog(await postgres.inspect(server.dataDirectory), 3);
    expect(log?.file).toBe(server.logFile);
    expect(log?.lines.at(-1)).toContain("ready to accept connections");
  });
});
