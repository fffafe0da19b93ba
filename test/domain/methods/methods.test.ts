import { describe, expect, test } from "vitest";
import { instant, parseInstant, type Instant } from "../../../src/domain/instant.ts";
import { lsn } from "../../../src/domain/lsn.ts";
import { isWithin } from "../../../src/domain/methods/is-within.ts";
import type { MethodFacts } from "../../../src/domain/methods/method.ts";
import { methods } from "../../../src/domain/methods/registry.ts";
import type { RecoveryPoint } from "../../../src/domain/recovery-point.ts";
import type { ResolvedTarget } from "../../../src/domain/target.ts";

const at = (text: string): Instant => parseInstant(text) as Instant;
const point = {
  id: "P",
  bytes: 2_000_000_000,
  startLsn: lsn(0n),
  tablespaces: [{ oid: 16_385, name: "fast", location: "/mnt/fast", bytes: 5 }],
} as unknown as RecoveryPoint;
const commit = { xid: 7, at: at("2026-11-20T02:00:00Z"), lsn: lsn(0n), endLsn: lsn(8n) };
const target: ResolvedTarget = {
  request: { target: { kind: "latest" }, inclusive: true, timeline: null },
  timeline: 1,
  stopAt: null,
  lastCommit: commit,
  firstLost: null,
  lostCommits: 12,
  settings: { recovery_target_timeline: "1", recovery_target_action: "promote" },
};

function facts(more: Partial<MethodFacts> = {}): MethodFacts {
  return {
    cluster: "shop",
    host: "db1",
    now: at("2026-11-20T03:14:07Z"),
    point,
    target,
    replayUntil: lsn(1_000_000_000n),
    newestCommitAt: at("2026-11-20T02:10:00Z"),
    production: {
      dataDirectory: "/var/lib/pg/main",
      port: 5432,
      socketDirectory: "/run/pg",
      isRunning: true,
      walDirectory: "/var/lib/pg/main/pg_wal",
    },
    destination: { dataDirectory: "/srv/scratch/a", port: 5433, socketDirectory: null },
    tablespaces: {},
    speeds: { restore: 200_000_000, replay: 100_000_000, basis: "run R1" },
    ...more,
  };
}

describe("restore to scratch", () => {
  const method = methods["restore-to-scratch"];

  test("keeps away from production's places, tablespaces included", () => {
    expect(method.place(facts())).toEqual({
      dataDirectory: "/srv/scratch/a",
      port: 5433,
      socketDirectory: "/srv/scratch/a/pgrescue-socket",
      tablespaces: { 16385: "/srv/scratch/a.tablespaces/16385" },
      savedWal: "/var/lib/pg/main/pg_wal",
      asideDirectory: null,
      confirm: "shop@db1",
    });
    expect(method.place(facts({ tablespaces: { fast: "/srv/x" } })).tablespaces).toEqual({ 16385: "/srv/x" });
    expect(method.place(facts({ tablespaces: { "/mnt/fast": "/srv/x" } })).tablespaces).toEqual({ 16385: "/srv/x" });
  });

  test.each([
    ["it is not said where", { destination: { dataDirectory: null, port: 1, socketDirectory: null } }],
    ["not an absolute path", { destination: { dataDirectory: "scratch", port: 1, socketDirectory: null } }],
    ["within each other", { destination: { dataDirectory: "/mnt/fast/scratch", port: 1, socketDirectory: null } }],
    ["within each other", { destination: { dataDirectory: "/mnt", port: 1, socketDirectory: null } }],
    ["within each other", { destination: { dataDirectory: "/var/lib/pg/main", port: 1, socketDirectory: null } }],
    ["no tablespace slow", { tablespaces: { slow: "/srv/x" } }],
    ["within production's", { tablespaces: { fast: "/mnt/fast/copy" } }],
    ["within each other", { tablespaces: { fast: "/srv/scratch/a/ts" } }],
    ["not an absolute path", { tablespaces: { fast: "x" } }],
  ])("is refused: %s", (message, more) => {
    expect(method.refuse(facts(more))).toMatchObject({
      refusal: "unfit-method",
      message: expect.stringContaining(message),
      next: expect.stringMatching(/\.$/),
    });
  });

  test("loses nothing; the time comes from measured speeds, or is not said", () => {
    expect(method.estimate(facts())).toMatchObject({
      seconds: 20,
      basis: "2.0 GB files at the measured 200 MB/s, 1.0 GB WAL at the measured 100 MB/s of run R1",
      measuredIn: "run R1",
      lostTransactions: 0,
      lostSeconds: 0,
      bytesToWrite: 3_000_000_000,
    });
    expect(method.estimate(facts({ speeds: { restore: null, replay: null, basis: "" } }))).toMatchObject({
      seconds: null,
      basis: "no restore was measured on this host",
    });
    expect(method.estimate(facts({ speeds: { restore: 1e8, replay: null, basis: "run R1" } }))).toMatchObject({
      seconds: null,
      basis: "no replay was measured on this host, and 1.0 GB WAL is to be replayed",
    });
  });
});

describe("rewind in place", () => {
  const method = methods["rewind-in-place"];

  test("goes where production is, and moves that aside under a name with the time", () => {
    expect(method.place(facts())).toEqual({
      dataDirectory: "/var/lib/pg/main",
      port: 5432,
      socketDirectory: "/run/pg",
      tablespaces: { 16385: "/mnt/fast" },
      savedWal: "/var/lib/pg/main.wal-20261120T031407Z",
      asideDirectory: "/var/lib/pg/main.old-20261120T031407Z",
      confirm: "shop@db1",
    });
    expect(method.refuse(facts())).toBeNull();
    expect(method.refuse(facts({ production: { ...facts().production, dataDirectory: null } }))).toMatchObject({
      refusal: "unfit-method",
    });
  });

  test("costs what was committed after the target; unknown stays unknown", () => {
    expect(method.estimate(facts())).toMatchObject({ lostTransactions: 12, lostSeconds: 600 });
    expect(method.estimate(facts({ target: { ...target, lostCommits: null, lastCommit: null } }))).toMatchObject({
      lostTransactions: null,
      lostSeconds: null,
    });
    expect(method.estimate(facts({ newestCommitAt: instant(0n) }))).toMatchObject({ lostSeconds: 0 });
  });
});

test("a base backup alone offers its own end only", () => {
  const method = methods["base-backup-only"];
  expect(method.refuse(facts())).toMatchObject({ refusal: "unfit-method" });
  expect(
    method.refuse(facts({ target: { ...target, request: { ...target.request, target: { kind: "immediate" } } } })),
  ).toBeNull();
});

test("a path lies within a directory whatever it is spelled like", () => {
  expect(
    [
      ["/a/b", "/a"],
      ["/a", "/a"],
      ["/a/./b//c/..", "/a/b"],
      ["/x/../a/b", "/a"],
    ].every(([p, d]) => isWithin(p!, d!)),
  ).toBe(true);
  expect(
    [
      ["/ab", "/a"],
      ["/a", "/a/b"],
      ["/a/../b", "/a"],
    ].some(([p, d]) => isWithin(p!, d!)),
  ).toBe(false);
});
