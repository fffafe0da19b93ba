import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CommandResult } from "../../src/ports/shell.ts";
import { createShell } from "../../src/adapters/system/exec.ts";
import { giveToServer } from "../support/server.ts";
import { makeSegment } from "../support/wal-segment.ts";
import { newRepository } from "../support/new-repository.ts";
import { eventually, walWorld, type WalWorld } from "../support/wal-world.ts";

describe("wal-push", () => {
  let world: WalWorld;
  let stored: string;

  beforeAll(async () => {
    world = await walWorld({ directoryName: "it's a 100% $world" });
    stored = await world.row(1);
  });

  afterAll(async () => {
    await world[Symbol.asyncDispose]();
  });

  /** Runs pgrescue as the server's user in the data directory, as archive_command does. */
  const pgrescue = async (...words: string[]): Promise<CommandResult> => {
    const config = join(world.directory, "pgrescue.yaml");
    return await world.server.run([world.program.node, world.program.script, ...words, "--config", config], {
      cwd: world.server.dataDirectory,
    });
  };

  const put = async (name: string, content: Uint8Array | string): Promise<string> => {
    const path = join(world.server.directory, name);
    await writeFile(path, content);
    await giveToServer(path);
    return path;
  };

  test("PostgreSQL archives through it, from a directory with an odd name, without a word", async () => {
    expect(await world.archive.has(stored)).toBe(true);
    expect(await world.server.sql("select failed_count from pg_stat_archiver")).toBe("0");
    expect(await readFile(world.server.logFile, "utf8")).not.toContain("pgrescue:");
  });

  test("the same file again is success, the same name with other content is refused", async () => {
    const content = Buffer.from((await world.archive.fetch(stored)) ?? []);
    expect((await pgrescue("wal-push", await put(stored, content))).exit).toBe(0);
    content[content.length - 1] = (content.at(-1) ?? 0) ^ 1;
    const refused = await pgrescue("wal-push", await put(stored, content));
    expect(refused.exit).toBe(30);
    expect(refused.stderr).toContain("with other content");
  });

  test("segments, .partial, .history and .backup are taken", async () => {
    const name = "0000000100000000000000F0";
    const segment = makeSegment(name, { systemIdentifier: world.systemIdentifier, size: 16 * 1024 * 1024 });
    for (const [file, content] of [
      [name, segment],
      [
        "0000000100000000000000F1.partial",
        makeSegment("0000000100000000000000F1", { systemIdentifier: world.systemIdentifier, size: 16 * 1024 * 1024 }),
      ],
      ["00000007.history", "6\t0/F0000000\ttest\n"],
      [`${name}.00000028.backup`, "START WAL LOCATION: 0/F0000028\n"],
    ] as const) {
      const result = await pgrescue("wal-push", await put(file, content));
      expect(result.stderr).toBe("");
      expect(result.exit).toBe(0);
      expect(await world.archive.has(file)).toBe(true);
    }
    for (const key of await readdir(join(world.repository, "shop", world.systemIdentifier, "wal"), {
      recursive: true,
    })) {
      if (/F0|F1|00000007/.test(key)) await rm(join(world.repository, "shop", world.systemIdentifier, "wal", key));
    }
  });

  test("a segment of another system is refused, and the archiver lives on", async () => {
    const foreign = makeSegment(stored, { systemIdentifier: "99", size: 16 * 1024 * 1024 });
    const result = await pgrescue("wal-push", await put(stored, foreign));
    expect(result.exit).toBe(30);
    expect(result.stderr).toContain("belongs to system 99");
  });

  test.each([
    ["no file", ["wal-push", "pg_wal/0000000100000000000000EE"], 40],
    ["no WAL file", ["wal-push", "postgresql.conf"], 2],
    ["no argument", ["wal-push"], 2],
    ["an unknown option", ["wal-push", "--nonsense", "x"], 2],
  ])("with %s it fails with a code that the archiver survives", async (_, words, exit) => {
    expect((await pgrescue(...words)).exit).toBe(exit);
  });

  test("outside of a data directory it says so", async () => {
    const { script, node } = world.program;
    const result = await createShell().run(
      [node, script, "wal-push", join(world.server.dataDirectory, "pg_wal", stored)],
      { cwd: world.server.directory },
    );
    expect(result.stderr).toContain("is not a data directory");
    expect(result.exit).toBe(30);
  });

  test("an outage fails each attempt until it ends, and nothing is lost", async () => {
    await rename(world.repository, `${world.repository}-away`);
    await world.server.sql("insert into rows values (2); select pg_switch_wal()");
    await eventually(
      async () => Number(await world.server.sql("select failed_count from pg_stat_archiver")) > 0,
      "no failure was counted",
    );
    await rename(`${world.repository}-away`, world.repository);
    await eventually(
      async () =>
        (await world.server.sql(
          "select last_archived_wal > last_failed_wal or last_archived_time > last_failed_time from pg_stat_archiver",
        )) === "t",
      "archiving did not go on",
    );
    expect(await readFile(world.server.logFile, "utf8")).toContain("there is no directory");
  });

  test("all repositories must have it; one that fails does not keep it from the others", async () => {
    const second = join(world.directory, "second");
    const config = join(world.directory, "two.yaml");
    const [main, away] = [world.repository, second].map((path) =>
      JSON.stringify(encodeURI(`file://${path}`).replaceAll("%25", "%25")),
    );
    await writeFile(
      config,
      `clusters:\n  shop:\n    repositories: [away, main]\nrepositories:\n  main: {url: ${main}}\n  away: {url: ${away}}\n`,
    );
    await giveToServer(config);
    const name = "0000000100000000000000E0";
    const path = await put(
      name,
      makeSegment(name, { systemIdentifier: world.systemIdentifier, size: 16 * 1024 * 1024 }),
    );
    const push = () =>
      world.server.run([world.program.node, world.program.script, "wal-push", path, "--config", config], {
        cwd: world.server.dataDirectory,
      });
    const first = await push();
    expect(first.exit).toBe(10);
    expect(await world.archive.has(name)).toBe(true);
    await mkdir(second);
    // An empty place may be a bare mount point.
    expect((await push()).exit).toBe(10);
    await newRepository(second);
    await giveToServer(second);
    expect((await push()).exit).toBe(0);
    expect(await readdir(join(second, "shop", world.systemIdentifier, "wal", name.slice(0, 16)))).toContain(
      `${name}.zst`,
    );
    await rm(world.objectOf(name));
    await rm(`${world.objectOf(name)}.meta`, { force: true });
  });

  test("a configuration that cannot be read is a failure, not a success", async () => {
    const config = join(world.directory, "broken.yaml");
    await writeFile(config, "clusters: [");
    await giveToServer(config);
    const path = join("pg_wal", stored);
    const result = await world.server.run(
      [world.program.node, world.program.script, "wal-push", path, "--config", config],
      { cwd: world.server.dataDirectory },
    );
    expect(result.exit).toBe(2);
  });

  test("wal-fetch works from the ordinary configuration, too", async () => {
    const to = join(world.server.directory, "fetched");
    expect((await pgrescue("wal-fetch", stored, to)).exit).toBe(0);
    expect((await readFile(to)).length).toBe(16 * 1024 * 1024);
    expect((await pgrescue("wal-fetch", "0000000100000000000000AA", to)).exit).toBe(77);
    expect((await pgrescue("wal-fetch", "00000002.history", to)).exit).toBe(77);
    expect((await pgrescue("wal-fetch", "nonsense", to)).exit).toBe(255);
    const nowhere = await pgrescue("wal-fetch", stored, "/nonexistent/place");
    expect(nowhere.exit).toBe(255);
  });

  test("wal-verify finds damage and holes", async () => {
    for (const id of [21, 22, 23]) await world.row(id);
    const sound = await pgrescue("wal-verify", "--json");
    expect(sound.exit).toBe(0);
    const [before] = JSON.parse(sound.stdout).systems as { holes: unknown[]; verified: number; cluster: string }[];
    expect(before).toMatchObject({ cluster: "shop", holes: [], damaged: [], damagedCount: 0 });
    const name = await world.row(24);
    await world.row(25);
    const object = world.objectOf(name);
    const bytes = await readFile(object);
    await writeFile(object, bytes.subarray(0, 50));
    const damaged = await pgrescue("wal-verify");
    expect(damaged.exit).toBe(50);
    expect(damaged.stdout).toContain(`[FAIL] ${name}`);
    await rm(object);
    const holed = await pgrescue("wal-verify", "--json");
    expect(holed.exit).toBe(0);
    expect(JSON.parse(holed.stdout)).toMatchObject({
      schema: "pgrescue.wal-verify/v1",
      systems: [{ holes: [{ timeline: 1, fromSegment: name, toSegment: name }] }],
    });
    expect((await pgrescue("wal-verify", "--strict")).exit).toBe(3);
    expect((await pgrescue("wal-verify", "--from", name, "--until", name, "--json")).exit).toBe(0);
    await writeFile(object, bytes);
    await chmod(object, 0o600);
    await giveToServer(object);
  });
});
