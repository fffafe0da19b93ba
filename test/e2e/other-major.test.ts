import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startTree, takeInto } from "../adapters/postgres/backup/harness.ts";
import { parseInstant, type Instant } from "../../src/domain/instant.ts";
import { createShell } from "../../src/adapters/system/exec.ts";
import { otherMajor } from "../support/major.ts";
import { recoveryWorld, type RecoveryWorld } from "../support/recovery-world.ts";
import { giveToServer, startServer, temporaryDirectory, type TestServer } from "../support/server.ts";
import { eventually } from "../support/wal-world.ts";

const here = [17, 18].flatMap((major) => {
  const bin = otherMajor(major);
  return bin === null ? [] : [{ major, bin }];
});

if (!here.some(({ major }) => major === 17))
  test("PostgreSQL 17", (context) => context.skip("not here; node scripts/other-postgres.ts 17 provides it"));

async function now(server: TestServer): Promise<Instant> {
  return parseInstant(`${await server.sql("select clock_timestamp() at time zone 'utc'")}Z`) as Instant;
}

/** Makes the server write a WAL summary, which lies in pg_wal/summaries. */
async function summarised(server: TestServer): Promise<void> {
  await server.sql("create table summarised (id int); checkpoint; checkpoint");
  await eventually(
    async () => Number(await server.sql("select count(*) from pg_available_wal_summaries()")) > 0,
    "the server writes no wal summary",
  );
}

/** Names in the base archive of the only point. */
async function storedNames(world: RecoveryWorld, point: string): Promise<readonly string[]> {
  const archive = join(world.repositoryDirectory, "shop", world.systemIdentifier, "base", point, "base.tar.zst");
  const listed = await createShell().run(["tar", "--use-compress-program=zstd", "-tf", archive]);
  expect(listed).toMatchObject({ exit: 0, stderr: "" });
  return listed.stdout.split("\n").map((name) => name.replace(/^\.\//, ""));
}

describe.each(here)("on PostgreSQL $major", ({ major, bin }) => {
  describe.each([
    { source: "local", summarize: "off" },
    { source: "local", summarize: "on" },
    { source: "remote", summarize: "on" },
  ] as const)("with summarize_wal $summarize, a backup from the $source source", ({ source, summarize }) => {
    test("and archived WAL restore a scratch server exactly at a moment, verified", async () => {
      await using world = await recoveryWorld({ bin, settings: { summarize_wal: summarize }, tablespaces: ["fast"] });
      const { server } = world;
      await server.sql(
        "create table orders (id int primary key, note text); insert into orders select g, md5(g::text) from generate_series(1, 1000) g; create table fast tablespace fast as select generate_series(1, 100) i",
      );
      if (summarize === "on") await summarised(server);
      const point = await world.backup(source);
      expect(Math.floor(point.postgresVersion / 10_000)).toBe(major);
      const names = await storedNames(world, point.id);
      expect(names).toContain("backup_label");
      expect(names.filter((name) => /^pg_wal\/.*[^/]$/.test(name) && /\d/.test(name))).toEqual([]);
      await server.sql("insert into orders select g, 'y' from generate_series(1001, 1500) g");
      const moment = await now(server);
      await server.sql("delete from orders");
      await server.sql("drop table fast");
      await world.archived();
      expect(await server.sql("select failed_count from pg_stat_archiver")).toBe("0");
      const report = await world.run(await world.plan({ target: { kind: "time", time: moment } }));
      expect(report.outcome.message, JSON.stringify(report.outcome)).toMatch(/every step is done/);
      expect(report.state.verdicts.filter(({ verdict }) => verdict.result === "fail")).toEqual([]);
      expect(report.state.verdicts.map(({ verdict }) => `${verdict.check} ${verdict.result}`)).toEqual(
        expect.arrayContaining([expect.stringMatching(/manifest.* pass$/), expect.stringMatching(/amcheck.* pass$/)]),
      );
      expect(await world.query(report, "select count(*), pg_is_in_recovery() from orders")).toBe("1500|f");
      expect(await world.query(report, "select count(*) from fast")).toBe("100");
      expect(await world.query(report, "select current_setting('server_version_num')::int / 10000")).toBe(
        String(major),
      );
    });
  });

  test.each(["local", "remote"] as const)(
    "pg_verifybackup accepts a backup from the %s source, and it starts from its own WAL",
    async (source) => {
      await using place = await temporaryDirectory();
      await using server = await startServer({ bin, settings: { summarize_wal: "on" } });
      await server.sql("create table t as select generate_series(1, 100000) i");
      await summarised(server);
      const { finished, store } = await takeInto(server, place.path, join(place.path, "none"), { source });
      expect(finished).toMatchObject({ warnings: [], point: { walIncluded: true } });
      await giveToServer(store.tree);
      const [tree, wal] = [join(store.tree, "base"), join(store.tree, "wal")];
      const words = ["pg_verifybackup", "-w", wal, "-m", join(store.tree, "backup_manifest"), tree];
      expect(await server.run(words)).toMatchObject({ exit: 0, stderr: "" });
      const catalog = JSON.parse(await readFile(join(store.tree, "catalog.json"), "utf8")) as {
        databases: { name: string; relations?: unknown[][] }[];
      };
      const database = catalog.databases.find(({ name }) => name === "postgres");
      expect(database?.relations?.some((relation) => relation[2] === "t")).toBe(true);
      await using restored = await startTree(server, store.tree, wal);
      expect(await restored.sql("select count(*) from t")).toBe("100000");
    },
  );
});
