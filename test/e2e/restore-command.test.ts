import { chmod, cp, mkdir, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { constants, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { quoteSetting } from "../../src/adapters/wal/restore-command.ts";
import { formatLsn } from "../../src/domain/lsn.ts";
import { parseHistory } from "../../src/domain/timeline.ts";
import { giveToServer } from "../support/server.ts";
import { eventually, walWorld, type Recovery, type WalWorld } from "../support/wal-world.ts";

describe("restore_command over a repository with five rows in five segments", () => {
  let world: WalWorld;
  let backup: string;
  const segments: string[] = [];

  beforeAll(async () => {
    world = await walWorld();
    backup = await world.backup("base");
    for (const id of [1, 2, 3, 4, 5]) segments.push(await world.row(id));
  }, 60_000);

  afterAll(async () => {
    await world[Symbol.asyncDispose]();
  });

  const rows = "select string_agg(id::text, ',' order by id) from rows";

  test("a sound archive brings back every row and recovery ends by a proof", async () => {
    const recovery = await world.recovery(backup);
    expect(await recovery.attempt()).toBe("promoted");
    expect(await recovery.sql(rows)).toBe("1,2,3,4,5");
    expect(await recovery.log()).toContain("does not exist: it is the end of what is known of timeline 1");
  });

  const faults: readonly {
    readonly name: string;
    readonly says: RegExp;
    readonly cause: (third: string) => Promise<() => Promise<void>>;
  }[] = [
    {
      name: "a damaged segment",
      says: /00000001\w+ in file:.* is damaged: /,
      cause: async (third) => {
        const bytes = await readFile(third);
        const broken = Uint8Array.from(bytes);
        broken[broken.length >> 1] = (broken[broken.length >> 1] ?? 0) ^ 0xff;
        await writeFile(third, broken);
        return () => writeFile(third, bytes);
      },
    },
    {
      name: "a truncated segment",
      says: /is damaged: the zstd data is /,
      cause: async (third) => {
        const bytes = await readFile(third);
        await truncate(third, bytes.length >> 1);
        return () => writeFile(third, bytes);
      },
    },
    {
      name: "an unreadable segment",
      says: /permission|EACCES/i,
      cause: async (third) => {
        await chmod(third, 0o000);
        return () => chmod(third, 0o600);
      },
    },
    {
      name: "a segment missing in the middle",
      says: /a hole in the WAL, not its end|is missing although/,
      cause: async (third) => {
        await rename(third, `${world.directory}/aside`);
        return () => rename(`${world.directory}/aside`, third);
      },
    },
    {
      name: "an outage of the store",
      says: /recovery stops so that nothing is lost/,
      cause: async () => {
        await rename(world.repository, `${world.repository}-away`);
        return () => rename(`${world.repository}-away`, world.repository);
      },
    },
    {
      name: "an empty directory where the store was mounted",
      says: /pgrescue.json is missing/,
      cause: async () => {
        await rename(world.repository, `${world.repository}-away`);
        await mkdir(world.repository);
        return async () => {
          await rm(world.repository, { recursive: true });
          await rename(`${world.repository}-away`, world.repository);
        };
      },
    },
  ];

  test.each(faults)(
    "$name stops recovery without promotion, and mended it goes on to the end",
    async ({ says, cause }) => {
      const mend = await cause(world.objectOf(segments[2] ?? ""));
      const recovery = await world.recovery(backup);
      try {
        expect(await recovery.attempt()).toBe("stopped");
        expect(await recovery.log()).toMatch(says);
      } finally {
        await mend();
      }
      expect(await recovery.attempt()).toBe("promoted");
      expect(await recovery.sql(rows)).toBe("1,2,3,4,5");
    },
  );

  const spoolFaults: readonly {
    readonly name: string;
    readonly says: RegExp;
    readonly cause: (recovery: Recovery) => Promise<() => Promise<void>>;
  }[] = [
    {
      name: "a broken fetch.json",
      says: /cannot use .*fetch.json/,
      cause: async ({ spool }) => {
        const file = join(spool, "fetch.json");
        const text = await readFile(file);
        await writeFile(file, text.subarray(0, 100));
        return () => writeFile(file, text);
      },
    },
    {
      name: "a spool that is gone",
      says: /cannot use .*fetch.json/,
      cause: async ({ spool }) => {
        await rename(spool, `${spool}-away`);
        return () => rename(`${spool}-away`, spool);
      },
    },
  ];

  test.each(spoolFaults)("$name stops recovery without promotion until it is mended", async ({ says, cause }) => {
    const recovery = await world.recovery(backup);
    const mend = await cause(recovery);
    expect(await recovery.attempt()).toBe("stopped");
    expect(await recovery.log()).toMatch(says);
    await mend();
    expect(await recovery.attempt()).toBe("promoted");
    expect(await recovery.sql(rows)).toBe("1,2,3,4,5");
  });

  const programFaults = [
    { name: "a missing node", says: /not found/, program: { node: "/nonexistent/node" } },
    { name: "a missing script", says: /Cannot find module/, program: { script: "/nonexistent/pgrescue.js" } },
    { name: "a node that crashes with 1", says: /exit code 1\)/, program: { node: "/bin/false" } },
  ];

  test.each(programFaults)("$name stops recovery without promotion", async ({ says, program }) => {
    const recovery = await world.recovery(backup, { program: { ...world.program, ...program } });
    expect(await recovery.attempt()).toBe("stopped");
    expect(await recovery.log()).toMatch(says);
    expect(await recovery.log()).toContain("recovery stops so that nothing is lost");
  });

  test("WAL of another system is never delivered", async () => {
    const other = world.objectOf(segments[2] ?? "");
    const stored = await readFile(other);
    const header = Buffer.from((await world.archive.fetch(segments[2] ?? "")) ?? []);
    header.writeBigUInt64LE(1234n, 24);
    await writeFile(other, zstdCompressSync(header, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }));
    await rename(`${other}.meta`, `${world.directory}/meta`).catch(() => undefined);
    const recovery = await world.recovery(backup);
    try {
      expect(await recovery.attempt()).toBe("stopped");
      expect(await recovery.log()).toContain("belongs to system 1234");
    } finally {
      await writeFile(other, stored);
      await rename(`${world.directory}/meta`, `${other}.meta`).catch(() => undefined);
    }
  });

  test("the last commits come from saved WAL, its recycled files are not mistaken for WAL", async () => {
    const saved = join(world.server.directory, "saved");
    await world.server.sql("insert into rows values (6)");
    await world.server.stop("immediate");
    await cp(join(world.server.dataDirectory, "pg_wal"), saved, { recursive: true });
    await world.server.start();
    await giveToServer(saved);
    const last = (await readdir(saved)).filter((name) => /^0{7}1[0-9A-F]{16}$/.test(name)).sort();
    await cp(join(saved, last[0] ?? ""), join(saved, "000000010000000000000FFF"));
    await giveToServer(saved);
    const recovery = await world.recovery(backup, { config: { savedWal: [saved] } });
    expect(await recovery.attempt()).toBe("promoted");
    expect(await recovery.sql(rows)).toBe("1,2,3,4,5,6");
    await world.server.sql("delete from rows where id = 6");
  });

  test("saved WAL that is away stops recovery", async () => {
    const recovery = await world.recovery(backup, { config: { savedWal: ["/nonexistent/pg_wal"] } });
    expect(await recovery.attempt()).toBe("stopped");
    expect(await recovery.log()).toContain("cannot read the saved WAL");
  });

  test("a segment known when the recovery was planned is never absent", async () => {
    const known = [{ from: segments[0] ?? "", until: "0000000100000000000000AA" }];
    const recovery = await world.recovery(backup, { config: { known } });
    expect(await recovery.attempt()).toBe("stopped");
    expect(await recovery.log()).toContain("is missing although 0000000100000000000000AA exists");
  });

  test("most segments come from the prefetcher, and it ends with a recovery that is killed", async () => {
    const calls = join(world.server.directory, "calls");
    const node = join(world.server.directory, "counting node");
    await writeFile(node, `#!/bin/sh\necho "$*" >>'${calls}'\nexec '${world.program.node}' "$@"\n`);
    await chmod(node, 0o755);
    const recovery = await world.recovery(backup, {
      program: { ...world.program, node },
      settings: { recovery_target_name: "'paused'", recovery_target_action: "pause" },
      config: { ahead: 3 },
    });
    // Segments full of changes: replaying one takes longer than fetching the next.
    await world.server.sql("create table filler (id int, text text)");
    const fill = "insert into filler select i, md5(i::text) from generate_series(1, 120000) i; delete from filler";
    for (let round = 0; round < 3; round++) await world.server.sql(fill);
    await world.server.sql("select pg_create_restore_point('paused')");
    for (const id of [11, 12, 13, 14]) await world.row(id);
    for (let round = 0; round < 4; round++) await world.server.sql(fill);
    await world.row(15);
    expect(await recovery.attempt()).toBe("paused");
    const fetched = (await readFile(calls, "utf8")).split("\n").filter((line) => line.includes("wal-fetch --spool"));
    const restored = (await recovery.log()).match(/restored log file/g)?.length ?? 0;
    expect(restored).toBeGreaterThanOrEqual(8);
    expect(fetched.length).toBeLessThan(restored);
    expect((await prefetchers(recovery)).length).toBe(1);
    const ready = join(recovery.spool, (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim());
    await eventually(
      async () => (await readdir(ready)).filter((name) => !name.includes("tmp")).length === 3,
      "not three segments ahead",
    );
    const [postmaster = ""] = (await readFile(join(recovery.dataDirectory, "postmaster.pid"), "utf8")).split("\n");
    process.kill(Number(postmaster), "SIGKILL");
    await eventually(async () => (await prefetchers(recovery)).length === 0, "the prefetcher outlived its recovery");
    expect(await readdir(ready)).toEqual([]);
  });

  test("a promoted recovery leaves no prefetcher behind", async () => {
    const recovery = await world.recovery(backup);
    expect(await recovery.attempt()).toBe("promoted");
    await eventually(async () => (await prefetchers(recovery)).length === 0, "the prefetcher outlived its recovery");
  });

  test("a standby keeps running through an outage and goes on after it", async () => {
    const recovery = await world.recovery(backup, {
      signal: "standby.signal",
      config: { standbyPatienceSeconds: 1 },
      settings: { wal_retrieve_retry_interval: "'500ms'", recovery_target_timeline: "latest" },
    });
    await rename(world.repository, `${world.repository}-away`);
    await recovery.start();
    await eventually(async () => (await recovery.log()).includes("there is no directory"), "no word of the outage");
    await rename(`${world.repository}-away`, world.repository);
    await eventually(
      async () => (await recovery.sql(rows).catch(() => "")).startsWith("1,2,3,4,5"),
      "the standby did not go on",
    );
  });

  test("timelines: a second attempt stays on its own, and a hole on the new one stops recovery", async () => {
    const archive = {
      archive_mode: "on",
      archive_command: quoteSetting(await world.server.sql("show archive_command")),
    };
    const stop = {
      recovery_target_xid: `'${await world.server.sql("select max(xmin::text::bigint) from rows where id <= 5")}'`,
    };
    const pause = { ...stop, recovery_target_action: "promote" };
    const first = await world.recovery(backup, { settings: { ...archive, ...pause } });
    expect(await first.attempt()).toBe("promoted");
    for (const id of [101, 102]) await first.sql(`insert into rows values (${id}); select pg_switch_wal()`);
    await eventually(
      async () => (await world.archive.inventory()).ranges.some((r) => r.timeline === 2 && r.until > r.from),
      "timeline 2 is not archived",
    );
    await first.stop();
    const history = parseHistory(
      2,
      new TextDecoder().decode((await world.archive.fetch("00000002.history")) ?? new Uint8Array()),
    );
    const switches = history?.switches.map((s) => ({ parent: s.parent, switchedAt: formatLsn(s.switchedAt) })) ?? [];
    const onTwo = { config: { target: { timeline: 2, switches } }, settings: { recovery_target_timeline: "'2'" } };

    const again = await world.recovery(backup, { settings: stop });
    expect(await again.attempt()).toBe("paused");
    expect(await again.sql(rows)).toBe("1,2,3,4,5");

    const followed = await world.recovery(backup, onTwo);
    expect(await followed.attempt()).toBe("promoted");
    expect(await followed.sql(rows)).toBe("1,2,3,4,5,101,102");
    expect(await followed.sql("select timeline_id from pg_control_checkpoint()")).toBe("3");

    const two = (await readdir(dirname(world.objectOf("000000020000000000000001"))))
      .filter((name) => /^\w{24}\.zst$/.test(name))
      .sort();
    const folder = dirname(world.objectOf("000000020000000000000001"));
    for (const name of two) await rename(join(folder, name), `${world.directory}/${name}`);
    const without = await world.recovery(backup, onTwo);
    expect(await without.attempt()).toBe("stopped");
    expect(await without.log()).toMatch(
      /new timeline's own copy of that segment is missing|recovery needs timeline 1 up to/,
    );
    for (const name of two.slice(1)) await rename(`${world.directory}/${name}`, join(folder, name));
    expect(await without.attempt()).toBe("stopped");
    await rename(`${world.directory}/${two[0]}`, join(folder, two[0] ?? ""));
    expect(await without.attempt()).toBe("promoted");
    expect(await without.sql(rows)).toBe("1,2,3,4,5,101,102");
  });
});

/** Process ids of prefetchers of a recovery. */
async function prefetchers(recovery: Recovery): Promise<readonly string[]> {
  const found: string[] = [];
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (line.includes("--prefetch") && line.includes(recovery.spool)) found.push(pid);
  }
  return found;
}
