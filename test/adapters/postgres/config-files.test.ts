import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { debianCluster, findConfiguration, readConfiguration } from "../../../src/adapters/postgres/config-files.ts";
import { formatSettings, parseConfigLines, quoteSetting } from "../../../src/adapters/postgres/config-syntax.ts";
import { missingLibraries, muzzleSettings, preloadedLibraries } from "../../../src/adapters/postgres/muzzle.ts";
import { createShell } from "../../../src/adapters/system/exec.ts";
import { postgresBin, startServer, temporaryDirectory } from "../../support/server.ts";

describe("postgresql.conf", () => {
  test.each([
    ["port = 5433", "port", "5433"],
    ["port 5433 # comment", "port", "5433"],
    ["PORT=5433", "port", "5433"],
    [
      "archive_command = 'test ! -f /a/%f && cp %p /a/%f'   # copy",
      "archive_command",
      "test ! -f /a/%f && cp %p /a/%f",
    ],
    ["x.y = 'it''s'", "x.y", "it's"],
    [String.raw`log_line_prefix = 'a\'b\tc\101'`, "log_line_prefix", "a'b\tcA"],
    ["shared_buffers = 128MB", "shared_buffers", "128MB"],
    ["listen_addresses = ''", "listen_addresses", ""],
  ])("%s", (line, name, value) => {
    expect(parseConfigLines(line)).toEqual([{ kind: "setting", line: 1, name, value }]);
  });

  test("lines that are no settings are problems with their number, comments are nothing", () => {
    expect(parseConfigLines("# x\n\nport = 'open\n= 3")).toMatchObject([
      { kind: "problem", line: 3 },
      { kind: "problem", line: 4 },
    ]);
  });

  test("values are quoted so that a real server reads them back as they were", async () => {
    const value = String.raw`a'b\c "d" %p é`;
    await using server = await startServer({
      settings: { cluster_name: quoteSetting("it's"), "pgrescue.value": quoteSetting(value) },
    });
    expect(await server.sql("show pgrescue.value")).toBe(value);
    expect(
      (await readConfiguration(join(server.dataDirectory, "postgresql.conf"))).settings["pgrescue.value"]?.value,
    ).toBe(value);
    expect(() => quoteSetting("a\nb")).toThrow(/line break/);
    expect(() => formatSettings({ "a = 1\nb": "c" })).toThrow(/not a setting's name/);
  });

  test("includes are followed, the last word wins, and auto.conf comes last", async () => {
    await using dir = await temporaryDirectory();
    await mkdir(join(dir.path, "conf.d"));
    await writeFile(
      join(dir.path, "postgresql.conf"),
      "port = 1\ninclude 'more.conf'\ninclude_if_exists 'none.conf'\ninclude_dir 'conf.d'\nwork_mem = 1MB\n",
    );
    await writeFile(join(dir.path, "more.conf"), "port = 2\nwork_mem = 2MB\n");
    await writeFile(join(dir.path, "conf.d", "b.conf"), "port = 4\n");
    await writeFile(join(dir.path, "conf.d", "a.conf"), "port = 3\n");
    await writeFile(join(dir.path, "conf.d", ".hidden.conf"), "port = 9\n");
    await writeFile(join(dir.path, "postgresql.auto.conf"), "max_connections = '7'\n");
    const content = await readConfiguration(join(dir.path, "postgresql.conf"), dir.path);
    expect(Object.fromEntries(Object.entries(content.settings).map(([name, { value }]) => [name, value]))).toEqual({
      port: "4",
      work_mem: "1MB",
      max_connections: "7",
    });
    expect(content.settings["port"]).toMatchObject({ file: join(dir.path, "conf.d", "b.conf"), line: 1 });
    expect(content.problems).toEqual([]);
    await writeFile(join(dir.path, "loop.conf"), "include 'loop.conf'\n");
    expect((await readConfiguration(join(dir.path, "loop.conf"))).problems).toMatchObject([
      expect.stringContaining("ten levels"),
    ]);
    expect((await readConfiguration(join(dir.path, "gone.conf"))).problems).toHaveLength(1);
  });

  test("a configuration outside the data directory is found by what it says", async () => {
    await using dir = await temporaryDirectory();
    const data = join(dir.path, "lib", "15", "main");
    const etc = join(dir.path, "etc");
    await mkdir(data, { recursive: true });
    expect(await findConfiguration(data, 15, undefined, etc)).toBeNull();
    await mkdir(join(etc, "15", "main"), { recursive: true });
    const file = join(etc, "15", "main", "postgresql.conf");
    await writeFile(file, "");
    expect(await findConfiguration(data, 15, undefined, etc)).toMatchObject({
      configFile: file,
      because: "named like the data directory",
    });
    await writeFile(file, `data_directory = '${data}'\nhba_file = '/etc/hba'\n`);
    expect(await findConfiguration(data, 15, undefined, etc)).toEqual({
      configFile: file,
      hbaFile: "/etc/hba",
      identFile: join(data, "pg_ident.conf"),
      inDataDirectory: false,
      startSettings: { config_file: file },
      because: "its data_directory is this one",
    });
    expect(debianCluster(file, etc)).toEqual({ version: "15", name: "main" });
    expect(debianCluster("/srv/postgresql.conf", etc)).toBeNull();
  });
});

describe("the muzzle", () => {
  test("a real server accepts every setting of it, listens nowhere and archives nothing", async () => {
    await using dir = await temporaryDirectory();
    const options = {
      major: 15,
      dataDirectory: join(dir.path, "unused"),
      port: 1,
      socketDirectory: join(dir.path, "s"),
      name: "try",
      floors: { max_connections: 321 },
    };
    const {
      data_directory: _data,
      hba_file: _hba,
      ident_file: _ident,
      port: _port,
      unix_socket_directories: _sockets,
      external_pid_file: _pid,
      ...rest
    } = muzzleSettings(options);
    await using server = await startServer({
      settings: Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, quoteSetting(value)])),
    });
    expect(
      await server.sql(
        "select current_setting('listen_addresses'), current_setting('archive_mode'), current_setting('max_connections'), current_setting('cluster_name')",
      ),
    ).toBe("|off|321|pgrescue-try");
    expect(await server.sql("select count(*) from pg_file_settings where error is not null")).toBe("0");
  });

  test("libraries that act by themselves are left out, others kept", () => {
    const settings = muzzleSettings({
      major: 15,
      dataDirectory: "/d",
      port: 1,
      socketDirectory: "/s",
      name: "x",
      sharedPreloadLibraries: `pg_stat_statements, "pg_cron",$libdir/pglogical,timescaledb`,
    });
    expect(settings["shared_preload_libraries"]).toBe("pg_stat_statements,timescaledb");
    expect(settings["timescaledb.restoring"]).toBe("on");
    expect(preloadedLibraries(` a, "b" ,`)).toEqual(["a", "b"]);
  });

  test("libraries that are not installed are named", async () => {
    const installation = { major: 15, version: 150_000, bin: postgresBin() };
    expect(
      await missingLibraries(createShell(), installation, ["pg_stat_statements", "pg_cron", "$libdir/auto_explain"]),
    ).toEqual(["pg_cron"]);
  });
});
