import { instantFromMilliseconds, parseInstant, type Instant } from "../../src/domain/instant.ts";
import { PgrescueError } from "../../src/domain/errors.ts";
import type { RunEvent } from "../../src/domain/run/events.ts";
import type { Verdict } from "../../src/domain/verdict.ts";
import type { ConsolePort } from "../../src/faces/console-port.ts";
import type { ClusterView, HomeView, MethodView, PreflightView, SurveyView } from "../../src/faces/console-views.ts";
import type { RunHandle } from "../../src/faces/run-handle.ts";

/** A moment by its ISO text. */
export function moment(text: string): Instant {
  const at = parseInstant(text);
  if (at === null) throw new Error(`not a moment: ${text}`);
  return at;
}

export const now = moment("2026-11-20T03:14:22Z");

const verdict = (title: string, result: Verdict["result"], evidence: string): Verdict => ({
  check: title,
  title,
  result,
  evidence,
});

export const windows = [
  {
    repository: "main",
    timeline: 3,
    from: moment("2026-11-13T01:07:00Z"),
    until: moment("2026-11-20T03:11:31Z"),
    untilLsn: "4E/3F0A0000",
    untilXid: "88127574",
  },
];
export const holes = [
  {
    timeline: 3,
    fromSegment: "000000030000004A00000011",
    toSegment: "000000030000004A00000040",
    from: moment("2026-11-18T02:10:00Z"),
    until: moment("2026-11-18T04:00:00Z"),
  },
];

const shop: ClusterView = {
  name: "shop",
  confirm: "shop@db1",
  result: "fail",
  summary: "not accepting connections since 03:11:50",
  facts: [
    {
      label: "TARGET",
      result: null,
      text: "db1.prod-eu1  10.0.4.11:5432   system id 7312…9904   PostgreSQL 15.4",
    },
    { label: "STATE", result: "fail", text: "not accepting connections since 03:11:50   role: was PRIMARY" },
    { label: "STANDBY", result: "pass", text: "db2 streaming until 03:11:49   lag then 0.2 s" },
    { label: "BACKUPS", result: "pass", text: "last base 01:00 (2h14m ago)   restore-tested 6 d ago, 38m12" },
    { label: "ARCHIVE", result: "warn", text: "last WAL 03:11:31   3 segments un-archived on db1" },
  ],
  windows,
  holes,
  schedule: [
    {
      what: "base backup",
      lastAt: moment("2026-11-20T01:04:11Z"),
      lastResult: "pass",
      nextAt: moment("2026-11-21T01:00:00Z"),
    },
    {
      what: "copy to offsite",
      lastAt: moment("2026-11-15T04:22:00Z"),
      lastResult: "warn",
      nextAt: moment("2026-11-22T04:00:00Z"),
    },
  ],
};

const quiet: ClusterView = {
  ...shop,
  name: "billing",
  confirm: "billing@db7",
  result: "pass",
  summary: "PRIMARY, 2 standbys, archive 12 s behind",
  holes: [],
};

export const oneCluster: HomeView = {
  clusters: [shop],
  runs: [
    {
      id: "R20261120-0310-a1b",
      cluster: "shop",
      title: "backup",
      at: moment("2026-11-20T03:10:00Z"),
      isLive: true,
      result: null,
      position: "step 4/9, 62 %",
      seconds: null,
    },
    {
      id: "R20261114-0300-xyz",
      cluster: "shop",
      title: "recovery",
      at: moment("2026-11-14T03:00:00Z"),
      isLive: false,
      result: "done",
      position: "9 of 9 steps",
      seconds: 2292,
    },
  ],
};

export const twoClusters: HomeView = { ...oneCluster, clusters: [quiet, shop] };

export const survey: SurveyView = {
  place: "file:///var/lib/pgrescue/repo",
  windows,
  holes,
  warnings: [],
  points: (
    [
      ["20261113-010700-base", "base", "2026-11-13T01:07:00Z", 208e9, "-", "-"],
      ["20261117-010402-base", "base", "2026-11-17T01:04:02Z", 209e9, "-", "-"],
      ["20261119-003015-dump", "dump", "2026-11-19T00:30:15Z", 31e9, "logical", "-"],
      ["20261119-010440-base", "base", "2026-11-19T01:04:40Z", 211e9, "-", "6 d  38m12"],
      ["20261119-130302-incr", "incremental", "2026-11-19T13:03:02Z", 9e9, "1 of 2", "-"],
      ["20261120-010411-base", "base", "2026-11-20T01:04:11Z", 212e9, "-", "-"],
    ] as const
  ).map(([id, kind, at, bytes, chain, tested]) => ({
    id,
    kind,
    finishedAt: moment(at),
    bytes,
    storedBytes: bytes / 4,
    timeline: 3,
    chain,
    tested,
    places: ["main"],
    status: "ok" as const,
    details: ["WAL from the backup to the end of the archive is complete."],
  })),
};

export const methods: readonly MethodView[] = [
  {
    id: "restore-to-scratch",
    title: "scratch",
    isRecommended: true,
    reason: "the damage is one table, and production is healthy.",
    refusal: null,
    prices: [
      { label: "Users down", value: "0 min" },
      { label: "Data lost", value: "none" },
      { label: "Time to done", value: "≈ 34 min (from 4 drills)" },
      { label: "Needs", value: "240 GB in /srv/scratch" },
      { label: "Undo", value: "drop the scratch" },
      { label: "No way back", value: "none" },
    ],
  },
  {
    id: "rewind-in-place",
    title: "rewind in place",
    isRecommended: false,
    reason: "only if many tables are wrong and 20 min of orders may be lost.",
    refusal: null,
    prices: [
      { label: "Users down", value: "≈ 31 min" },
      { label: "Data lost", value: "4 117 tx (20 m 24 s)" },
      { label: "Time to done", value: "≈ 31 min (at 410 MB/s)" },
      { label: "Needs", value: "240 GB on db1" },
      { label: "Undo", value: "old data directory kept" },
      { label: "No way back", value: "step 7 (promote)" },
    ],
  },
  {
    id: "base-backup-only",
    title: "backup only",
    isRecommended: false,
    reason: "the state at the end of the backup, without WAL.",
    refusal: { reason: "the target lies after the backup's end", next: "Choose the backup's own end as the target." },
    prices: [],
  },
];

export const preflight: PreflightView = {
  title: "restore to scratch in /srv/scratch/R-0314",
  changesProduction: false,
  refusal: null,
  command: ["recover", "--cluster", "shop", "--target-before-xid", "88123457", "--method", "restore-to-scratch"],
  verdicts: [
    verdict("backup before target", "pass", "finished 01:04:11, target 02:51:07"),
    verdict("WAL chain", "pass", "137 of 137 segments, no holes, timeline 3, system id matches"),
    verdict("binaries", "pass", "PostgreSQL 15.4"),
    verdict("space", "pass", "611 GB free, needs 228 GB + 10 %"),
    { ...verdict("glibc", "warn", "2.39 here, 2.36 there"), mend: "Reindex text indexes before you use them." },
  ],
  files: [
    {
      name: "postgresql.auto.conf",
      lines: [
        "restore_command = 'pgrescue wal-fetch %f %p'",
        "recovery_target_xid = '88123457'",
        "recovery_target_inclusive = off",
        "recovery_target_timeline = '3'",
        "archive_mode = off",
      ],
    },
  ],
  steps: [
    {
      id: "restore",
      title: "unpack base backup 212 GB",
      why: "w",
      phase: "execute",
      risk: "scratch",
      builtin: "restore",
      with: {},
      undo: "the scratch directory is removed",
      confirm: "none",
      onFailure: "stop",
      describe: "writes 41 022 files to /srv/scratch/R-0314",
      commands: [],
    },
    {
      id: "start",
      title: "start the scratch server",
      why: "w",
      phase: "execute",
      risk: "scratch",
      builtin: "start",
      with: {},
      undo: "the scratch server is stopped",
      confirm: "none",
      onFailure: "stop",
      describe: "starts it muzzled",
      commands: [["pg_ctl", "start", "-D", "/srv/scratch/R-0314", "-W"]],
    },
  ],
};

/** What the console asked its world for, and how it shall behave. */
export interface ConsoleWorld {
  readonly port: ConsolePort;
  /** `answer stop#1 shop@db1`, `pause`, `note ...`, `start rewind-in-place`: everything that would have an effect. */
  readonly asked: string[];
}

/** A console's world made of the data above; runs play `events`, question by question. */
export function consoleWorld(
  options: {
    readonly home?: HomeView;
    readonly events?: readonly RunEvent[];
    readonly milliseconds?: number;
    readonly realTime?: boolean;
    /** The run goes on after the last event until the handle is closed. */
    readonly isEndless?: boolean;
  } = {},
): ConsoleWorld {
  const asked: string[] = [];
  const opened = Date.now();
  const handle = (id: string): RunHandle => {
    let answered = (): void => {};
    let isClosed = false;
    let closed = (): void => {};
    async function* play(): AsyncGenerator<RunEvent> {
      for (const event of options.events ?? []) {
        if (isClosed) return;
        if (event.event === "answered") await new Promise<void>((resolve) => (answered = resolve));
        else await new Promise((resolve) => setTimeout(resolve, options.milliseconds ?? 0));
        yield { ...event, run: id };
      }
      if (options.isEndless === true) await new Promise<void>((resolve) => (closed = resolve));
    }
    return {
      id,
      isLive: true,
      events: play(),
      answer: async (question, value) => {
        asked.push(`answer ${question} ${value}`);
        answered();
      },
      pause: async () => void asked.push("pause"),
      abort: async () => void asked.push("abort"),
      note: async (text) => void asked.push(`note ${text}`),
      close: () => {
        isClosed = true;
        closed();
        asked.push("close");
      },
    };
  };
  const port: ConsolePort = {
    now: () =>
      options.realTime === true
        ? instantFromMilliseconds(Date.UTC(2026, 10, 20, 3, 14, 22) + Date.now() - opened)
        : now,
    loadHome: async () => options.home ?? oneCluster,
    assess: async function* (_cluster, _signal) {
      yield { kind: "total", checks: 4 };
      yield { kind: "verdict", verdict: verdict("right host", "pass", "system id matches the repository") };
      yield {
        kind: "verdict",
        verdict: verdict("server", "fail", "PANIC 03:11:50: could not write to file"),
        raw: ['PANIC:  could not write to file "pg_wal/xlogtemp.2188": No space left on device'],
      };
      yield { kind: "verdict", verdict: verdict("disk", "fail", "/pgdata 100 % full: pg_wal 212 GB, 13 568 segments") };
      yield {
        kind: "verdict",
        verdict: verdict("archive", "warn", "13 566 segments wait; failing since Nov 19 22:40"),
      };
      yield {
        kind: "conclusion",
        conclusion: {
          likely: "ARCHIVE STALLED → DISK FULL → CRASH",
          confidence: "high",
          notNeeded: "a restore. Your data is on this disk.",
          doNot: ["delete files in pg_wal", "set archive_command=/bin/true", "run pg_resetwal"],
          next: "make the archive work again, then let the server archive",
          why: ["The segments that wait are the only copy of the last transactions."],
        },
      };
    },
    survey: async () => survey,
    resolveTarget: async (_cluster, request) =>
      request.text === "tomorrow"
        ? {
            isReachable: false,
            refusal: {
              reason: "2026-11-21 03:14:22 UTC is after the last commit in the archive (03:11:31)",
              next: "Choose an earlier moment, or the newest one.",
            },
          }
        : {
            isReachable: true,
            target: {
              request,
              title: "just before xid 88123457",
              understood: [
                "stops before 2026-11-20 02:51:07.482 UTC, timeline 3",
                "last kept commit xid 88123456 at 02:51:07.113",
              ],
              at: moment("2026-11-20T02:51:07.113Z"),
              lost: "4 117 transactions in 20m24 if production is rewound",
              warnings: [],
              arguments: ["--target-before-xid", "88123457"],
            },
          },
    methods: async () => methods,
    preflight: async () => preflight,
    start: async (choice) => {
      asked.push(`start ${choice.method}`);
      return handle("R20261120-0314-k3f");
    },
    backup: async (cluster) => {
      asked.push(`backup ${cluster}`);
      return handle("R20261120-0314-bak");
    },
    attach: async (run) => {
      if (run === "R0") throw new PgrescueError("usage", "no run R0");
      return handle(run);
    },
    resume: async (run) => {
      asked.push(`resume ${run}`);
      return handle(run);
    },
  };
  return { port, asked };
}
