import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createWalReader } from "../../../src/adapters/postgres/waldump/wal-reader.ts";
import { findDroppedDatabases } from "../../../src/domain/drop-database.ts";
import { instant, type Instant } from "../../../src/domain/instant.ts";
import { formatLsn, lsn, parseLsn, type Lsn } from "../../../src/domain/lsn.ts";
import type { RecoveryPoint } from "../../../src/domain/recovery-point.ts";
import { isRefusal, type PlanRefusal } from "../../../src/domain/refusal.ts";
import type { CommitInfo, Target } from "../../../src/domain/target.ts";
import { eventsOf } from "../../../src/engine/planning/find-in-wal.ts";
import { planRecovery, type PlanRequest, type RecoveryPlan } from "../../../src/engine/planning/plan-recovery.ts";
import { surveyRepositories } from "../../../src/engine/planning/survey.ts";
import { openPath } from "../../../src/engine/planning/wal-path.ts";
import type { WalArchive } from "../../../src/ports/repository.ts";
import { giveToServer, startServer, temporaryDirectory, type TestServer } from "../../support/server.ts";
import { archiveAll, clock, plainArchive, systemOf, takePosition, worldOf } from "./archived-server.ts";

let server: TestServer;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let archive: WalArchive;
const points: RecoveryPoint[] = [];
const xids: Record<string, number> = {};
const times: Record<string, Instant> = {};

/** Commits a row; remembers its transaction and the time right after. */
async function commit(name: string): Promise<void> {
  xids[name] = Number(
    (await server.sql(`BEGIN; INSERT INTO t VALUES ('${name}'); SELECT pg_current_xact_id(); COMMIT`)).trim(),
  );
  times[name] = await clock(server);
}

beforeAll(async () => {
  directory = await temporaryDirectory();
  const wal = join(directory.path, "wal");
  await mkdir(wal);
  await giveToServer(wal);
  server = await startServer({
    segmentSizeMiB: 1,
    archiveCommand: `cp %p ${wal}/%f`,
    settings: { autovacuum: "off", max_connections: "30" },
  });
  await server.sql("CREATE TABLE t (name text)");
  await commit("before everything");
  points.push(await takePosition(server, "P1"));
  await commit("one");
  await server.sql("SELECT pg_create_restore_point('deploy')");
  await commit("two");
  // Several segments, so that bisecting has something to do.
  for (let i = 0; i < 6; i++) {
    await server.sql("INSERT INTO t SELECT repeat(md5(i::text), 5) FROM generate_series(1, 4000) i");
    await commit(`bulk ${i}`);
  }
  points.push(await takePosition(server, "P2"));
  await server.sql("SELECT pg_create_restore_point('deploy')");
  await commit("three");
  await server.sql("CREATE DATABASE doomed");
  await commit("before drop");
  await server.sql("DROP DATABASE doomed");
  await commit("after drop");
  await server
    .sql("BEGIN; INSERT INTO t VALUES ('rolled back'); SELECT pg_current_xact_id(); ROLLBACK")
    .then((xid) => (xids["rolled back"] = Number(xid.trim())));
  await commit("last");
  await server.sql("CHECKPOINT");
  await archiveAll(server);
  archive = plainArchive(wal, await systemOf(server));
}, 60_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

function request(
  target: Target,
  more: Partial<PlanRequest> & { inclusive?: boolean; timeline?: number } = {},
): PlanRequest {
  const { inclusive = true, timeline = null, ...rest } = more;
  return {
    cluster: "shop",
    host: "db1",
    now: instant(0n),
    target: { target, inclusive, timeline },
    method: "restore-to-scratch",
    action: "promote",
    point: null,
    production: {
      dataDirectory: "/var/lib/shop",
      port: 5432,
      socketDirectory: "/run",
      isRunning: true,
      walDirectory: null,
      systemIdentifier: null,
      timeline: null,
      floors: {},
    },
    destination: { dataDirectory: "/srv/scratch", port: 5499, socketDirectory: null },
    tablespaces: {},
    speeds: { restore: null, replay: null, basis: "" },
    ...rest,
  };
}

/** Where the in-place update of pg_database is that begins a DROP DATABASE. */
async function firstStepOf(drop: CommitInfo): Promise<Lsn> {
  const path = openPath({ ...archive, inventory: await archive.inventory() }, createWalReader(), 1);
  const events = (await eventsOf(path, { from: points[1]!.startLsn, until: drop.endLsn }, 100, () => true)) ?? [];
  return findDroppedDatabases(events).find((d) => d.xid === drop.xid)!.from;
}

async function plan(target: Target, more: Parameters<typeof request>[1] = {}): Promise<RecoveryPlan> {
  const answer = await planRecovery(request(target, more), worldOf(points, archive));
  if (isRefusal(answer)) throw new Error(`${answer.refusal}: ${answer.message}`);
  return answer;
}

async function refusal(target: Target, more: Parameters<typeof request>[1] = {}): Promise<PlanRefusal> {
  const answer = await planRecovery(request(target, more), worldOf(points, archive));
  if (!isRefusal(answer)) throw new Error(`it was planned: ${JSON.stringify(answer.inputs.settings)}`);
  return answer;
}

const ofTime = (time: Instant): Target => ({ kind: "time", time });
const ofXid = (name: string): Target => ({ kind: "xid", xid: xids[name]! });

describe("a time target", () => {
  test("becomes the position of the last kept commit, which is named like the first lost one", async () => {
    const { inputs, target } = await plan(ofTime(times["one"]!));
    expect(inputs.settings).toEqual({
      recovery_target_timeline: "1",
      recovery_target_inclusive: "on",
      recovery_target_lsn: formatLsn(target.lastCommit!.lsn),
      recovery_target_action: "pause",
    });
    expect(inputs.replayUntil).toBe(formatLsn(target.lastCommit!.endLsn));
    expect([target.lastCommit?.xid, target.firstLost?.xid]).toEqual([xids["one"], xids["two"]]);
    expect(inputs.point).toBe("P1");
  });

  test("in later wal begins from the newest backup that ends before it", async () => {
    const { inputs, target } = await plan(ofTime(times["three"]!));
    expect([inputs.point, target.lastCommit?.xid]).toEqual(["P2", xids["three"]]);
  });

  test("exactly at a commit keeps it, or not when exclusive", async () => {
    const at = (await plan(ofXid("two"))).target.lastCommit!.at;
    expect((await plan(ofTime(at))).target.lastCommit?.xid).toBe(xids["two"]);
    expect((await plan(ofTime(at), { inclusive: false })).target.firstLost?.xid).toBe(xids["two"]);
  });

  test("with no commit since the backup's end is that end", async () => {
    const first = (await plan(ofXid("one"))).target.lastCommit!;
    const { inputs, target } = await plan(ofTime(instant(first.at - 1n)));
    expect(inputs.settings).toEqual({
      recovery_target_timeline: "1",
      recovery_target: "immediate",
      recovery_target_action: "pause",
    });
    expect([inputs.replayUntil, target.firstLost?.xid]).toEqual([formatLsn(points[0]!.stopLsn), xids["one"]]);
  });

  test("counts what a rewind would lose", async () => {
    const { target } = await plan(ofTime(times["after drop"]!));
    expect([target.lostCommits, target.firstLost?.xid]).toEqual([1, xids["last"]]);
  });

  test("before the first backup's end is refused with the earliest moment", async () => {
    expect(await refusal(ofTime(times["before everything"]!))).toMatchObject({
      refusal: "too-early",
      nearest: { lsn: points[0]!.stopLsn },
    });
    expect(await refusal(ofTime(instant(0n)))).toMatchObject({ refusal: "too-early" });
  });

  test("after the last commit is refused with the newest", async () => {
    const answer = await refusal(ofTime(instant(times["last"]! + 3_600_000_000n)));
    expect(answer).toMatchObject({ refusal: "too-late", nearest: { xid: xids["last"] } });
    expect(answer.message).toContain(`transaction ${xids["last"]}`);
  });

  test("at the last commit of a quiet database becomes that commit's position", async () => {
    const at = (await plan(ofXid("last"))).target.lastCommit!.at;
    const { inputs, target } = await plan(ofTime(at));
    expect(inputs.settings).toEqual({
      recovery_target_timeline: "1",
      recovery_target_action: "pause",
      recovery_target_lsn: formatLsn(target.lastCommit!.lsn),
      recovery_target_inclusive: "on",
    });
    expect(target.lastCommit?.xid).toBe(xids["last"]);
    expect(inputs.warnings.join()).toContain("nothing was committed after");
  });
});

describe("a transaction target", () => {
  test("stops after it, or before it when exclusive", async () => {
    const kept = await plan(ofXid("two"));
    expect(kept.inputs.settings).toMatchObject({
      recovery_target_xid: String(xids["two"]),
      recovery_target_inclusive: "on",
    });
    expect(kept.target.lastCommit?.xid).toBe(xids["two"]);
    const undone = await plan(ofXid("two"), { inclusive: false });
    expect(undone.inputs.settings).toMatchObject({
      recovery_target_lsn: formatLsn(undone.target.lastCommit!.lsn),
      recovery_target_inclusive: "on",
    });
    expect([undone.target.lastCommit?.xid, undone.target.firstLost?.xid]).toEqual([xids["one"], xids["two"]]);
  });

  test("that does not exist, or lies before every backup, is refused", async () => {
    expect(await refusal({ kind: "xid", xid: 4_000_000 })).toMatchObject({ refusal: "not-found" });
    expect(await refusal(ofXid("before everything"))).toMatchObject({ refusal: "not-found" });
  });

  test("that was rolled back is pointed out", async () => {
    expect((await plan(ofXid("rolled back"))).inputs.warnings.join()).toContain("was rolled back");
  });
});

describe("other targets", () => {
  test("a name that was used twice means the newest", async () => {
    const { inputs, target } = await plan({ kind: "name", name: "deploy" });
    expect(inputs).toMatchObject({ point: "P2", settings: { recovery_target_name: "deploy" } });
    expect(target.firstLost?.xid).toBe(xids["three"]);
    const older = await plan({ kind: "name", name: "deploy" }, { point: "P1" });
    expect(older.inputs.settings["recovery_target_lsn"]).toBeDefined();
    expect(older.inputs.warnings.join()).toContain("more than once");
    expect(await refusal({ kind: "name", name: "nothing" })).toMatchObject({ refusal: "not-found" });
  });

  test("a position inside a record means the next one", async () => {
    const { lsn: at } = (await plan(ofXid("two"))).target.lastCommit!;
    const inside = lsn(at + 8n);
    expect((await plan({ kind: "lsn", lsn: inside }, { inclusive: false })).target.lastCommit?.xid).toBe(xids["two"]);
    expect((await plan({ kind: "lsn", lsn: lsn(at - 8n) })).target.lastCommit?.xid).toBe(xids["two"]);
  });

  test("a position is taken as it is; past the last record it becomes that record", async () => {
    const at = (await plan(ofXid("two"))).target.lastCommit!.lsn;
    expect((await plan({ kind: "lsn", lsn: at })).target.lastCommit?.xid).toBe(xids["two"]);
    expect((await plan({ kind: "lsn", lsn: at }, { inclusive: false })).target.firstLost?.xid).toBe(xids["two"]);
    expect(await refusal({ kind: "lsn", lsn: lsn(at + 0x1000_0000n) })).toMatchObject({ refusal: "too-late" });
    expect(await refusal({ kind: "lsn", lsn: parseLsn("0/100028")! })).toMatchObject({ refusal: "too-early" });
  });

  test("everything means no target but a timeline; to pause there it is the last commit", async () => {
    const { inputs, target } = await plan({ kind: "latest" });
    expect(inputs.settings).toEqual({ recovery_target_timeline: "1", recovery_target_action: "promote" });
    expect([inputs.point, target.lastCommit?.xid, target.lostCommits]).toEqual(["P2", xids["last"], 0]);
    const paused = await plan({ kind: "latest" }, { action: "pause" });
    expect(paused.inputs.settings).toMatchObject({
      recovery_target_lsn: formatLsn(target.lastCommit!.lsn),
      recovery_target_action: "pause",
    });
    const live = await plan({ kind: "latest" }, { action: "pause", method: "rewind-in-place" });
    expect(live.inputs).toMatchObject({ targetAction: "promote", settings: { recovery_target_action: "promote" } });
    expect(live.inputs.settings["recovery_target_lsn"]).toBeUndefined();
  });

  test("the backup's own end is immediate", async () => {
    const { inputs } = await plan({ kind: "immediate" }, { method: "base-backup-only", point: "P1" });
    expect(inputs).toMatchObject({
      point: "P1",
      settings: { recovery_target: "immediate", recovery_target_timeline: "1" },
      target: { stopAt: formatLsn(points[0]!.stopLsn) },
    });
    expect(await refusal({ kind: "latest" }, { method: "base-backup-only" })).toMatchObject({
      refusal: "unfit-method",
    });
  });
});

describe("the trap of DROP DATABASE", () => {
  test("its own transaction, exclusive, and its time stop after the last earlier commit instead, and say so", async () => {
    const before = await plan(ofXid("before drop"));
    const drop = before.target.firstLost!;
    expect(before.inputs.settings).toMatchObject({ recovery_target_xid: String(xids["before drop"]) });
    expect(before.inputs.warnings.join()).not.toContain("drops database");
    for (const undone of [
      await plan({ kind: "xid", xid: drop.xid }, { inclusive: false }),
      await plan(ofTime(instant(drop.at - 1n))),
    ]) {
      expect(undone.inputs.settings).toMatchObject({
        recovery_target_lsn: formatLsn(before.target.lastCommit!.lsn),
        recovery_target_inclusive: "on",
      });
      expect(undone.target.firstLost?.xid).toBe(drop.xid);
      expect(undone.inputs.warnings.join()).toContain(`transaction ${drop.xid} drops database`);
    }
  });

  test("a position inside it is refused and the last earlier commit proposed, also one just before its first record", async () => {
    const drop = (await plan(ofXid("before drop"))).target.firstLost!;
    const inPlace = await firstStepOf(drop);
    const inside = [
      { at: drop.lsn, inclusive: false },
      { at: inPlace, inclusive: true },
      // PostgreSQL still replays the first record that begins at or after it, which is the in-place update.
      { at: lsn(inPlace - 8n), inclusive: true },
      { at: lsn(inPlace + 8n), inclusive: false },
    ];
    for (const { at, inclusive } of inside) {
      const answer = await refusal({ kind: "lsn", lsn: at }, { inclusive });
      expect(answer).toMatchObject({ refusal: "half-dropped-database", nearest: { xid: xids["before drop"] } });
      expect(answer.next).toContain(`--target-xid ${xids["before drop"]}`);
    }
    const before = await plan({ kind: "lsn", lsn: inPlace }, { inclusive: false });
    expect([before.target.lastCommit?.xid, before.target.firstLost?.xid]).toEqual([xids["before drop"], drop.xid]);
  });
});

describe("the plan", () => {
  test("carries floors of backup, server and wal, where everything goes, and what to type", async () => {
    const { inputs } = await plan(ofXid("last"), {
      method: "rewind-in-place",
      production: { ...request({ kind: "latest" }).production, floors: { max_worker_processes: 9 } },
    });
    expect(inputs).toMatchObject({
      floors: { max_connections: 100, max_worker_processes: 9 },
      dataDirectory: "/var/lib/shop",
      port: 5432,
      confirm: "shop@db1",
      asideDirectory: expect.stringContaining("/var/lib/shop.old-"),
    });
  });

  test("refuses scratch in production's directory", async () => {
    for (const dataDirectory of ["/var/lib/shop", "/var/lib/shop/scratch", "/var/lib", "/var/lib/x/../shop"]) {
      expect(
        await refusal({ kind: "latest" }, { destination: { dataDirectory, port: 1, socketDirectory: null } }),
      ).toMatchObject({ refusal: "unfit-method" });
    }
  });
});

describe("holes", () => {
  test("cut windows, and a target behind one without a backup is refused naming the segments", async () => {
    const whole = await archive.inventory();
    const [range] = whole.ranges;
    const missing = (points[0]!.stopLsn / 0x10_0000n + 3n) as typeof range extends { from: infer N } ? N : never;
    const broken: WalArchive = {
      ...archive,
      inventory: async () => ({
        ...whole,
        ranges: [
          { ...range!, until: (missing - 1n) as never },
          { ...range!, from: (missing + 1n) as never },
        ],
      }),
    };
    const answer = await planRecovery(request(ofTime(times["bulk 3"]!)), worldOf(points, broken));
    expect(answer).toMatchObject({ refusal: "hole" });
    const survey = await surveyRepositories(worldOf(points, broken), "shop");
    expect(survey.windows.map((w) => w.from.point)).toEqual(["P1", "P2"]);
    expect(survey.windows[1]).toMatchObject({ until: { xid: xids["last"] } });
    expect(survey.holes).toHaveLength(1);
    const one = await surveyRepositories(worldOf(points, archive), "shop");
    expect(one.windows).toMatchObject([{ from: { point: "P1" }, until: { xid: xids["last"] } }]);
    const latest = await planRecovery(request({ kind: "latest" }), worldOf([points[0]!], broken));
    expect(!isRefusal(latest) && latest.inputs.warnings.join()).toContain("wal is missing from");
  });

  test("in a backup's own wal make it not restorable", async () => {
    const whole = await archive.inventory();
    const cut: WalArchive = {
      ...archive,
      inventory: async () => ({
        ...whole,
        ranges: [{ ...whole.ranges[0]!, from: (points[1]!.startLsn / 0x10_0000n + 1n) as never }],
      }),
    };
    const survey = await surveyRepositories(worldOf(points, cut), "shop");
    expect(survey.points.map((p) => p.status)).toEqual(["not-restorable", "not-restorable"]);
    expect(survey.points[0]?.reason).toContain("missing");
  });
});

describe("a newer timeline that no backup leads to", () => {
  test("refuses everything, for the end of an older one would bring back what was left; a time is looked for there", async () => {
    const whole = await archive.inventory();
    const range = whole.ranges[0]!;
    const orphaned: WalArchive = {
      ...archive,
      inventory: async () => ({ ...whole, ranges: [...whole.ranges, { ...range, timeline: 2, from: range.until }] }),
    };
    const latest = await planRecovery(request({ kind: "latest" }), worldOf(points, orphaned));
    expect(latest).toMatchObject({ refusal: "no-point", next: expect.stringContaining("--target-timeline 1") });
    const named = await planRecovery(request({ kind: "latest" }, { timeline: 1 }), worldOf(points, orphaned));
    expect(isRefusal(named)).toBe(false);
    const time = await planRecovery(request(ofTime(times["one"]!)), worldOf(points, orphaned));
    expect(!isRefusal(time) && time.inputs.warnings.join()).toContain(
      "found on timeline 1, not on timeline 2: no base",
    );
  });
});
