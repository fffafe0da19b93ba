import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SegmentRange, WalInventory } from "../../../src/domain/coverage.ts";
import { formatInstant, instant, parseInstant, type Instant } from "../../../src/domain/instant.ts";
import { lsn } from "../../../src/domain/lsn.ts";
import type { RecoveryPoint } from "../../../src/domain/recovery-point.ts";
import { judgePoints, type PointDecision } from "../../../src/domain/retention/judge-points.ts";
import { judgeWal } from "../../../src/domain/retention/judge-wal.ts";
import { keepRules, type KindPolicy, type RetentionPolicy } from "../../../src/domain/retention/policy.ts";
import { defaultSegmentSize, segmentOf, type SegmentNumber } from "../../../src/domain/segment.ts";
import { judgePoint } from "../../../src/domain/standing.ts";

const day = 86_400_000_000n;
const none: KindPolicy = { keepSeconds: null, last: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0, minimum: 1 };

function policy(base: Partial<KindPolicy>, more: Partial<RetentionPolicy> = {}): RetentionPolicy {
  return { name: "default", base: { ...none, ...base }, dump: null, walBufferSeconds: 0, timeZone: null, ...more };
}

function at(text: string): Instant {
  return parseInstant(`${text.includes("T") ? text : `${text}T01:00:00`}Z`) ?? instant(0n);
}

/** A base backup that begins in one segment and ends in the next. */
function point(
  when: string | Instant,
  more: Partial<RecoveryPoint> & { readonly segment?: number } = {},
): RecoveryPoint {
  const startedAt = typeof when === "string" ? at(when) : when;
  const { segment = Number(startedAt / day) - 20_000, ...rest } = more;
  const start = BigInt(segment) * BigInt(defaultSegmentSize);
  return {
    id: formatInstant(startedAt).slice(0, 16),
    kind: "base",
    format: "native",
    repository: "main",
    cluster: "shop",
    status: "ok",
    systemIdentifier: "7",
    postgresVersion: 150_004,
    timeline: 1,
    startedAt,
    finishedAt: startedAt,
    startLsn: lsn(start + 40n),
    stopLsn: lsn(start + BigInt(defaultSegmentSize) + 300n),
    segmentSize: defaultSegmentSize,
    bytes: 1,
    storedBytes: 1,
    encrypted: false,
    tablespaces: [],
    walIncluded: false,
    ...rest,
  };
}

/** One backup a day at 01:00, `days` of them, ending on 2026-11-26 (a Thursday). */
function nightly(days: number): RecoveryPoint[] {
  return Array.from({ length: days }, (_, n) => point(instant(at("2026-11-26") - BigInt(days - 1 - n) * day)));
}

function told(decisions: readonly PointDecision[]): string[] {
  return decisions
    .filter((d) => d.action === "keep")
    .map((d) => `${d.point.id.slice(0, 10)} ${d.rule}: ${d.reason}`)
    .toReversed();
}

const now = at("2026-11-26T08:00:00");

describe("which points a policy keeps", () => {
  test("the first of each day, week, month and year, named after the strongest rule", () => {
    expect(told(judgePoints(nightly(800), policy({ daily: 3, weekly: 3, monthly: 3, yearly: 2 }), { now })))
      .toMatchInlineSnapshot(`
      [
        "2026-11-26 daily: first of the day 2026-11-26",
        "2026-11-25 daily: first of the day 2026-11-25",
        "2026-11-24 daily: first of the day 2026-11-24",
        "2026-11-23 weekly: first of the week of 2026-11-23",
        "2026-11-16 weekly: first of the week of 2026-11-16",
        "2026-11-09 weekly: first of the week of 2026-11-09",
        "2026-11-01 monthly: first of the month 2026-11",
        "2026-10-01 monthly: first of the month 2026-10",
        "2026-09-01 monthly: first of the month 2026-09",
        "2026-01-01 yearly: first of the year 2026",
        "2025-01-01 yearly: first of the year 2025",
      ]
    `);
  });

  test.each<[string, Partial<KindPolicy>, RecoveryPoint[], string[]]>([
    ["a window, counted from the newest backup", { keepSeconds: 2 * 86_400 }, nightly(9), ["24", "25", "26"]],
    ["the newest so many", { last: 2 }, nightly(9), ["25", "26"]],
    ["no rule at all: the newest", {}, nightly(9), ["26"]],
    ["a minimum above what the rules keep", { daily: 1, minimum: 3 }, nightly(9), ["24", "25", "26"]],
    [
      "only the second of a day succeeded",
      { daily: 1 },
      [point("2026-11-26T01:00:00", { status: "damaged" }), point("2026-11-26T02:00:00"), point("2026-11-26T03:00:00")],
      ["26", "26"],
    ],
    [
      "days without a backup do not count",
      { daily: 2 },
      [point("2026-10-01"), point("2026-11-01"), point("2026-11-26")],
      ["01", "26"],
    ],
    [
      "taken by hand for a rule",
      { daily: 1, monthly: 2 },
      [point("2026-08-03", { keep: "monthly" }), point("2026-10-07", { keep: "monthly" }), point("2026-11-26")],
      ["07", "26"],
    ],
  ])("%s", (_name, rules, points, days) => {
    const decisions = judgePoints(points, policy(rules), { now });
    expect(decisions.filter((d) => d.action === "keep").map((d) => d.point.id.slice(8, 10))).toEqual(days);
  });

  test("that backups stopped coming deletes nothing that was kept before", () => {
    const rules = policy({ keepSeconds: 3 * 86_400, daily: 7 });
    const then = judgePoints(nightly(30), rules, { now });
    expect(judgePoints(nightly(30), rules, { now: at("2029-01-01") })).toEqual(then);
  });

  test("a backup dated in the future is kept and makes no other look old", () => {
    const points = [...nightly(9), point("2031-01-01")];
    const decisions = judgePoints(points, policy({ keepSeconds: 2 * 86_400 }), { now });
    expect(told(decisions).map((line) => line.slice(0, 10))).toEqual([
      "2031-01-01",
      "2026-11-26",
      "2026-11-25",
      "2026-11-24",
    ]);
  });

  test("what is incomplete is left alone for a grace time, what is damaged until all before it is gone", () => {
    const points = [
      point("2026-11-01T00:30:00", { status: "damaged" }),
      ...nightly(3),
      point("2026-11-24T20:00:00", { status: "incomplete" }),
      point("2026-11-25T20:00:00", { status: "not-restorable" }),
      point("2026-11-26T07:00:00", { status: "incomplete" }),
    ];
    const decisions = judgePoints(points, policy({ daily: 7 }), { now });
    expect(decisions.filter((d) => d.action === "delete").map((d) => `${d.point.id} ${d.reason}`)).toEqual([
      "2026-11-01T00:30 damaged and older than every point that is kept",
      "2026-11-24T20:00 incomplete since Nov 24 20:00:00",
    ]);
  });

  test("an incremental backup keeps what it is built on", () => {
    const [full, other, middle, last] = nightly(4);
    if (full === undefined || other === undefined || middle === undefined || last === undefined) throw new Error();
    const chain = [
      full,
      other,
      { ...middle, kind: "incremental" as const, parent: full.id },
      { ...last, kind: "incremental" as const, parent: middle.id },
    ];
    const decisions = judgePoints(chain, policy({}), { now });
    expect(decisions.map((d) => d.action)).toEqual(["keep", "delete", "keep", "keep"]);
  });

  test("days are those of the policy's time zone", () => {
    const points = [point("2026-11-25T22:30:00"), point("2026-11-25T23:30:00"), point("2026-11-26T07:00:00")];
    const decisions = judgePoints(points, policy({ daily: 2 }), {
      now,
      dayOf: (moment) => ({ year: 2026, month: 11, day: moment >= at("2026-11-25T23:00:00") ? 26 : 25 }),
    });
    expect(decisions.map((d) => d.action)).toEqual(["keep", "keep", "keep"]);
    expect(decisions[2]?.reason).toBe("the newest");
  });

  test("a kind without rules never expires", () => {
    const dumps = nightly(3).map((p) => ({ ...p, kind: "dump" as const }));
    expect(judgePoints(dumps, policy({}), { now }).every((d) => d.action === "keep")).toBe(true);
  });
});

function stored(...ranges: readonly [timeline: number, from: number, until: number][]): WalInventory {
  return {
    systemIdentifier: "7",
    segmentSize: defaultSegmentSize,
    ranges: ranges.map(([timeline, from, until]): SegmentRange => ({
      timeline,
      from: BigInt(from) as SegmentNumber,
      until: BigInt(until) as SegmentNumber,
    })),
    histories: [],
    others: [],
  };
}

describe("which WAL is kept", () => {
  const points = [10, 20, 30, 40].map((segment, n) => point(instant(at("2026-11-23") + BigInt(n) * day), { segment }));
  const words = (decisions: ReturnType<typeof judgeWal>) =>
    decisions.map((d) => `${d.timeline}:${d.from}-${d.until} ${d.action} ${d.reason}`);

  test("all of it from the oldest window on, and what an older kept point needs to be consistent", () => {
    const decisions = judgePoints(points, policy({ daily: 2, monthly: 1 }), { now });
    expect(words(judgeWal(stored([1, 1, 50]), decisions, 0))).toEqual([
      "1:1-9 delete before every window and needed by no kept backup",
      "1:10-11 keep 2026-11-23T01:00 needs it to be consistent",
      "1:12-29 delete before every window and needed by no kept backup",
      "1:30-50 keep the window that begins with 2026-11-25T01:00",
    ]);
  });

  test("a buffer keeps it from the backup that is old enough, or from the beginning", () => {
    const decisions = judgePoints(points, policy({ daily: 2 }), { now });
    expect(words(judgeWal(stored([1, 1, 50]), decisions, 86_400))).toEqual([
      "1:1-19 delete before every window and needed by no kept backup",
      "1:20-29 keep the buffer before the window that begins with 2026-11-25T01:00",
      "1:30-50 keep the window that begins with 2026-11-25T01:00",
    ]);
    expect(judgeWal(stored([1, 1, 50]), decisions, 30 * 86_400).every((d) => d.action === "keep")).toBe(true);
  });

  test("WAL of other timelines behind the window's beginning stays", () => {
    const decisions = judgePoints(points, policy({ last: 1 }), { now });
    expect(words(judgeWal(stored([1, 1, 60], [2, 35, 70]), decisions, 0)).map((w) => w.slice(0, 14).trim())).toEqual([
      "1:1-39 delete",
      "1:40-60 keep t",
      "2:35-39 delete",
      "2:40-70 keep t",
    ]);
  });

  test("nothing is deleted while a kept point is archived with what says where it begins", () => {
    const unread = { status: "archived", segmentSize: 0, startLsn: lsn(0n), stopLsn: lsn(0n), timeline: 0 } as const;
    const decisions = judgePoints(
      points.map((p, n) => (n === 0 ? { ...p, ...unread } : p)),
      policy({ daily: 2, monthly: 1 }),
      { now },
    );
    expect(decisions[0]).toMatchObject({ action: "keep", isWindow: false });
    expect(words(judgeWal(stored([1, 1, 50]), decisions, 0))).toEqual([
      `1:1-50 keep ${points[0]?.id} is archived and cannot say what it needs`,
    ]);
  });

  test("without a kept base backup nothing is deleted", () => {
    const decisions = judgeWal(stored([1, 1, 50]), [], 0);
    expect(decisions.map((d) => d.action)).toEqual(["keep"]);
  });
});

describe("whatever the points, the policy and what is covered", () => {
  const anyPoint = fc.record({
    hours: fc.integer({ min: 0, max: 24 * 900 }),
    status: fc.constantFrom(...(["ok", "ok", "ok", "archived", "incomplete", "damaged", "not-restorable"] as const)),
    kind: fc.constantFrom(...(["base", "base", "dump"] as const)),
    keep: fc.option(fc.constantFrom(...keepRules), { nil: undefined }),
    walIncluded: fc.boolean(),
  });
  const count = fc.integer({ min: 0, max: 9 });
  const anyKind = fc.record({
    keepSeconds: fc.option(fc.integer({ min: 0, max: 86_400 * 90 })),
    last: count,
    daily: count,
    weekly: count,
    monthly: count,
    yearly: count,
    minimum: count,
  });
  const anyPolicy = fc.record({
    name: fc.constant("any"),
    base: fc.option(anyKind),
    dump: fc.option(anyKind),
    walBufferSeconds: fc.integer({ min: 0, max: 86_400 * 40 }),
    timeZone: fc.constant(null),
  });
  const world = fc.record({
    points: fc.uniqueArray(anyPoint, { maxLength: 40, selector: (p) => p.hours }),
    policy: anyPolicy,
  });

  function pointsOf(drawn: readonly (typeof anyPoint extends fc.Arbitrary<infer T> ? T : never)[]): RecoveryPoint[] {
    return drawn.map(({ hours, keep, ...rest }) =>
      point(instant(at("2024-05-01") + BigInt(hours) * 3_600_000_000n), {
        segment: hours + 1,
        ...rest,
        ...(keep === undefined ? {} : { keep }),
      }),
    );
  }
  const usable = (p: RecoveryPoint): boolean => p.status === "ok" || p.status === "archived";
  const late = at("2026-11-26");

  test("the last point that can be reached stays, and so do as many as the minimum says", () => {
    fc.assert(
      fc.property(world, ({ points: drawn, policy: rules }) => {
        const points = pointsOf(drawn);
        const decisions = judgePoints(points, rules, { now: late });
        expect(decisions).toHaveLength(points.length);
        for (const [kind, minimum] of [
          ["base", rules.base?.minimum],
          ["dump", rules.dump?.minimum],
        ] as const) {
          const of = decisions.filter((d) => d.point.kind === kind && usable(d.point));
          const newest = of.toSorted((a, b) => Number(b.point.startedAt - a.point.startedAt))[0];
          expect(newest?.action ?? "keep").toBe("keep");
          expect(of.filter((d) => d.action === "keep").length).toBeGreaterThanOrEqual(
            Math.min(of.length, minimum ?? 0),
          );
        }
      }),
    );
  });

  test("expiring twice deletes nothing more", () => {
    fc.assert(
      fc.property(world, ({ points: drawn, policy: rules }) => {
        const kept = (points: readonly RecoveryPoint[]) =>
          judgePoints(points, rules, { now: late })
            .filter((d) => d.action === "keep")
            .map((d) => d.point);
        const once = kept(pointsOf(drawn));
        expect(kept(once)).toEqual(once);
      }),
    );
  });

  test("what is covered is kept, and covering more never deletes more", () => {
    fc.assert(
      fc.property(world, fc.nat(), ({ points: drawn, policy: rules }, which) => {
        const points = pointsOf(drawn);
        const chosen = points[points.length === 0 ? 0 : which % points.length];
        if (chosen === undefined) return;
        const plain = judgePoints(points, rules, { now: late });
        const held = judgePoints(points, rules, { now: late, covered: new Map([[chosen.id, "held"]]) });
        for (const [n, decision] of plain.entries())
          if (decision.action === "keep" && usable(decision.point)) expect(held[n]?.action).toBe("keep");
        expect(held.find((d) => d.point === chosen)?.action).toBe("keep");
      }),
    );
  });

  test("a kept point stays restorable, and from a window's point every later segment stays", () => {
    fc.assert(
      fc.property(world, ({ points: drawn, policy: rules }) => {
        const decisions = judgePoints(pointsOf(drawn), rules, { now: late });
        const all = stored([1, 1, 24 * 900 + 50]);
        const left = {
          ...all,
          ranges: judgeWal(all, decisions, rules.walBufferSeconds).filter((d) => d.action === "keep"),
        };
        for (const { point: kept, action, isWindow } of decisions) {
          if (action !== "keep" || kept.kind !== "base" || kept.status !== "ok") continue;
          expect(judgePoint(kept, left).status).toBe("ok");
          if (isWindow)
            expect(
              left.ranges.some(
                (r) => r.from <= segmentOf(kept.startLsn, defaultSegmentSize) && r.until === all.ranges[0]?.until,
              ),
            ).toBe(true);
        }
      }),
    );
  });
});
