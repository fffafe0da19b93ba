import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Instant } from "../../../src/domain/instant.ts";
import type { RecoveryPoint } from "../../../src/domain/recovery-point.ts";
import { isRefusal } from "../../../src/domain/refusal.ts";
import type { Target } from "../../../src/domain/target.ts";
import type { RecoveryPlan } from "../../../src/engine/planning/plan-recovery.ts";
import { surveyRepositories } from "../../../src/engine/planning/survey.ts";
import type { TestServer } from "../../support/server.ts";
import { archiveAll, clock, plainArchive, worldOf } from "./archived-server.ts";
import { copiedServer, type CopiedServer, type RecoveredCopy, type Wanted } from "./recovered-copy.ts";

let world: CopiedServer;
let server: TestServer;
let wal: string;
let point: RecoveryPoint;
const times: Record<string, Instant> = {};
const xids: Record<string, number> = {};

async function commit(name: string): Promise<void> {
  xids[name] = Number(
    (await server.sql(`BEGIN; INSERT INTO t VALUES ('${name}'); SELECT pg_current_xact_id(); COMMIT`)).trim(),
  );
  times[name] = await clock(server);
}

beforeAll(async () => {
  world = await copiedServer();
  ({ server, wal } = world);
  await server.sql("CREATE TABLE t (name text)");
  await commit("before");
  point = await world.backup();
  await commit("one");
  await server.sql("SELECT pg_create_restore_point('mark')");
  await commit("two");
  await server.sql("SELECT pg_switch_wal()");
  await server.sql("CREATE DATABASE doomed");
  await commit("three");
  await server.sql("DROP DATABASE doomed");
  await commit("four");
  await archiveAll(server);
}, 60_000);

afterAll(() => world[Symbol.asyncDispose]());

async function plan(target: Target, more: Wanted = {}): Promise<RecoveryPlan> {
  const answer = await world.plan(target, more);
  if (isRefusal(answer)) throw new Error(`${answer.refusal}: ${answer.message}`);
  return answer;
}

const rowsOf = (copy: RecoveredCopy): Promise<string> => copy.sql("SELECT string_agg(name, ' ' ORDER BY ctid) FROM t");

describe("PostgreSQL stops where the plan says", () => {
  const cases: [string, () => Promise<RecoveryPlan>, string][] = [
    ["a time between commits", () => plan({ kind: "time", time: times["one"]! }), "before one"],
    ["the end of the backup", () => plan({ kind: "immediate" }), "before"],
    [
      "just before a transaction",
      () => plan({ kind: "xid", xid: xids["three"]! }, { inclusive: false }),
      "before one two",
    ],
    ["a transaction", () => plan({ kind: "xid", xid: xids["two"]! }), "before one two"],
    ["a restore point", () => plan({ kind: "name", name: "mark" }), "before one"],
    [
      "a commit's position, exclusive",
      async () =>
        plan(
          { kind: "lsn", lsn: (await plan({ kind: "xid", xid: xids["two"]! })).target.lastCommit!.lsn },
          { inclusive: false },
        ),
      "before one",
    ],
    [
      "the last commit's own time, with none after it",
      async () => plan({ kind: "time", time: (await plan({ kind: "xid", xid: xids["four"]! })).target.lastCommit!.at }),
      "before one two three four",
    ],
    ["everything, paused", () => plan({ kind: "latest" }), "before one two three four"],
    ["the last commit before DROP DATABASE", () => plan({ kind: "xid", xid: xids["three"]! }), "before one two three"],
    [
      "just before DROP DATABASE",
      async () =>
        plan(
          { kind: "xid", xid: (await plan({ kind: "xid", xid: xids["three"]! })).target.firstLost!.xid },
          { inclusive: false },
        ),
      "before one two three",
    ],
  ];

  test.each(cases)("%s", async (_name, planned, rows) => {
    const found = await planned();
    await using copy = await world.recover(found);
    expect(await rowsOf(copy)).toBe(rows);
    if (_name.includes("DROP DATABASE"))
      expect((await copy.sql("SELECT datconnlimit FROM pg_database WHERE datname = 'doomed'")).trim()).toBe("-1");
  });
});

describe("after a recovery has left another timeline in the archive", () => {
  beforeAll(async () => {
    // A first attempt, promoted and archiving where it should not: timeline 2 leaves 1 after "one".
    const first = await plan({ kind: "time", time: times["one"]! }, { action: "promote" });
    await using copy = await world.recover(first, true);
    await copy.sql("INSERT INTO t VALUES ('other')");
    await copy.sql("SELECT pg_switch_wal()");
    for (let tries = 0; tries < 200; tries++) {
      if (
        (
          await copy.sql(
            "SELECT count(*) FROM pg_stat_archiver WHERE last_archived_wal LIKE '00000002%' AND last_archived_wal NOT LIKE '%history'",
          )
        ).trim() === "1"
      )
        break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }, 30_000);

  test("production's own timeline is followed where it is known, and the other one is pointed out", async () => {
    const planned = await plan({ kind: "latest" }, { current: 1 });
    expect(planned.inputs.settings["recovery_target_timeline"]).toBe("1");
    expect(planned.inputs.warnings.join()).toContain("timeline 2 holds commits");
    await using copy = await world.recover(planned);
    expect(await rowsOf(copy)).toBe("before one two three four");
  });

  test("without knowing it the highest is taken, and what it lacks is pointed out", async () => {
    const planned = await plan({ kind: "latest" });
    expect(planned.inputs.settings["recovery_target_timeline"]).toBe("2");
    expect(planned.inputs.warnings.join()).toContain("timeline 1 holds commits");
    await using copy = await world.recover(planned);
    expect(await rowsOf(copy)).toBe("before one other");
  });

  test("an explicit timeline is obeyed, and a transaction is found on the one that has it", async () => {
    const asked = await plan({ kind: "xid", xid: xids["four"]! }, { timeline: 1 });
    expect(asked.inputs.settings).toMatchObject({ recovery_target_timeline: "1" });
    const found = await plan({ kind: "xid", xid: xids["four"]! });
    expect(found.inputs.settings).toMatchObject({ recovery_target_timeline: "1" });
    expect(found.inputs.warnings.join()).toContain("found on timeline 1");
  });

  test("each branch is a window of its own", async () => {
    const survey = await surveyRepositories(worldOf([point], plainArchive(wal, point.systemIdentifier)), "shop");
    expect(survey.windows.map((w) => [w.timeline, w.from.point])).toEqual([
      [1, "P"],
      [2, "P"],
    ]);
    expect(survey.windows[0]?.until.xid).toBe(xids["four"]);
  });
});
