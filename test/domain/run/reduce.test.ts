import { describe, expect, test } from "vitest";
import type { JournalEvent, RunEvent, RunFact } from "../../../src/domain/run/events.ts";
import { isUnfinished, leftovers, undoable } from "../../../src/domain/run/leftovers.ts";
import { rates, share, throughput } from "../../../src/domain/run/progress.ts";
import { fold } from "../../../src/domain/run/reduce.ts";
import { isRunId, matchingRuns, runId } from "../../../src/domain/run/run-id.ts";
import { parseInstant } from "../../../src/domain/instant.ts";
import type { PlannedStep } from "../../../src/domain/plan.ts";

const by = { user: "anna", host: "db1", pid: 7 };

function step(id: string, risk: PlannedStep["risk"] = "scratch"): PlannedStep {
  return {
    id,
    title: `Do ${id}`,
    why: "Why.",
    phase: "execute",
    risk,
    builtin: id,
    with: {},
    undo: "none",
    confirm: "none",
    onFailure: "stop",
    describe: `does ${id}`,
    commands: [],
  };
}

const opened: RunFact = {
  event: "opened",
  kind: "recovery",
  cluster: "shop",
  runbook: { id: "toy", version: "1.0", sha256: "0" },
  inputs: { port: 5433 },
  actor: by,
  version: "1",
};
const planned: RunFact = { event: "planned", steps: [step("look", "read"), step("copy"), step("swap", "production")] };

function atSecond(i: number): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  return `2026-11-20T03:${two(14 + Math.floor(i / 60))}:${two(i % 60)}.000000Z`;
}

/** Facts as events, a second apart. */
function events(...facts: readonly (RunFact | Extract<RunEvent, { event: "progress" }>)[]): readonly RunEvent[] {
  return facts.map(
    (fact, i) =>
      ({
        schema: "pgrescue.event/v1",
        run: "R20261120-0314-k3f",
        seq: i + 1,
        prev: "",
        at: atSecond(i),
        ...fact,
      }) as JournalEvent,
  );
}

function tick(done: number, total: number | null = 1000): Extract<RunEvent, { event: "progress" }> {
  return { event: "progress", step: "copy", done, total, unit: "bytes", doing: "copying" } as Extract<
    RunEvent,
    { event: "progress" }
  >;
}

const begun: readonly RunFact[] = [
  opened,
  planned,
  { event: "started", pid: 42, attempt: 1 },
  { event: "step-started", step: "copy", describe: "copies", found: "absent" },
];

describe("the state of a run", () => {
  test("knows the header, the steps and what runs now", () => {
    const state = fold(events(...begun));
    expect(state.header).toMatchObject({
      cluster: "shop",
      inputs: { port: 5433 },
      openedAt: "2026-11-20T03:14:00.000000Z",
    });
    expect(state).toMatchObject({
      run: "R20261120-0314-k3f",
      attempt: 1,
      pid: 42,
      current: "copy",
      outcome: null,
      seq: 4,
    });
    expect(state.steps.map((s) => s.status)).toEqual(["waiting", "running", "waiting"]);
    expect(state.steps[1]).toMatchObject({ describe: "copies", attempts: 1, startedAt: "2026-11-20T03:14:03.000000Z" });
  });

  test("calls a step cut off when its runner went away, and running again when it is taken up", () => {
    const cut = fold(events(...begun, { event: "started", pid: 43, attempt: 2 }));
    expect(cut.steps[1]).toMatchObject({ status: "cut-off" });
    expect(cut.current).toBeNull();
    const again = fold(
      events(
        ...begun,
        { event: "started", pid: 43, attempt: 2 },
        { event: "step-started", step: "copy", describe: "copies the rest", found: "partial" },
      ),
    );
    expect(again.steps[1]).toMatchObject({ status: "running", attempts: 2, describe: "copies the rest" });
  });

  test("pairs commands with their ends, in order, the same command twice too", () => {
    const argv = ["cp", "a", "b"];
    const one = { event: "command-started", step: "copy", argv } as const;
    const end = (exit: number) =>
      ({ event: "command-finished", step: "copy", argv, exit, milliseconds: 5, tail: ["x"] }) as const;
    const state = fold(events(...begun, one, end(1), one));
    expect(state.commands.map((c) => [c.exit, c.milliseconds])).toEqual([
      [1, 5],
      [null, null],
    ]);
  });

  test("keeps the newest verdict of a check, the newest value of a name, and the last 200 lines", () => {
    const verdict = (result: "fail" | "pass") =>
      ({ event: "verdict", step: "look", verdict: { check: "space", title: "Space", result, evidence: "e" } }) as const;
    const lines = Array.from(
      { length: 250 },
      (_, i) => ({ event: "log", step: "look", level: "info", text: String(i) }) as const,
    );
    const state = fold(
      events(
        ...begun,
        verdict("fail"),
        verdict("pass"),
        { event: "recorded", step: "look", name: "port", value: 1 },
        { event: "recorded", step: "look", name: "port", value: 2 },
        ...lines,
      ),
    );
    expect(state.verdicts.map((v) => v.verdict.result)).toEqual(["pass"]);
    expect(state.recorded).toEqual({ port: 2 });
    expect([state.log.length, state.log[0]?.text]).toEqual([200, "50"]);
  });

  test("shows a question until it is answered or its step is over", () => {
    const asked: RunFact = {
      event: "asked",
      step: "copy",
      question: { id: "q", kind: "text", title: "What?", about: [], flag: "--what" },
    };
    expect(fold(events(...begun, asked)).question?.question.id).toBe("q");
    expect(fold(events(...begun, asked, { event: "started", pid: 1, attempt: 2 })).question?.question.id).toBe("q");
    const answered = fold(events(...begun, asked, { event: "answered", question: "q", value: "that", by }));
    expect(answered).toMatchObject({ question: null, answers: [{ question: "q", value: "that", by }] });
    expect(
      fold(events(...begun, asked, { event: "step-finished", step: "copy", result: "failed", milliseconds: 1 }))
        .question,
    ).toBeNull();
  });

  test("ends, and is open again when it is continued", () => {
    const ended: RunFact = { event: "ended", outcome: { result: "paused", exitCode: 60, message: "paused" } };
    const paused = fold(events(...begun, { event: "pause-requested", by }, ended));
    expect(paused).toMatchObject({ outcome: { exitCode: 60 }, pid: null, requested: null });
    expect(isUnfinished(paused)).toBe(true);
    expect(fold(events(...begun, ended, { event: "started", pid: 2, attempt: 2 })).outcome).toBeNull();
    expect(
      isUnfinished(
        fold(events(...begun, { event: "ended", outcome: { result: "aborted", exitCode: 31, message: "" } })),
      ),
    ).toBe(false);
  });

  test("says what stays of a run that was given up, and what an undo goes through", () => {
    const state = fold(
      events(
        ...begun,
        { event: "step-finished", step: "copy", result: "done", milliseconds: 1 },
        { event: "step-started", step: "swap", describe: "", found: "absent" },
        { event: "ended", outcome: { result: "aborted", exitCode: 31, message: "" } },
      ),
    );
    expect(leftovers(state)).toEqual([
      "stays: Do copy (undo: none)",
      "may be half done (it was cut off): Do swap (undo: none)",
    ]);
    expect(undoable(state).map((s) => s.plan.id)).toEqual(["swap", "copy"]);
    expect(leftovers(fold(events(opened, planned)))).toEqual(["nothing was changed"]);
  });
});

describe("progress", () => {
  test("has a rate and a time left from the last seconds, and never 100 % before the end", () => {
    const state = fold(events(...begun, tick(0), tick(100), tick(200), tick(300)));
    expect(state.progress).toMatchObject({ done: 300, total: 1000, doing: "copying" });
    expect(throughput(state.progress!)).toEqual({ perSecond: 100, remainingMilliseconds: 7000 });
    expect(rates(state.progress!)).toEqual([100, 100, 100]);
    expect(share(fold(events(...begun, tick(1000))).progress!)).toBe(0.99);
  });

  test("says nothing where nothing is known", () => {
    const state = fold(events(...begun, tick(5, null)));
    expect(throughput(state.progress!)).toEqual({ perSecond: null, remainingMilliseconds: null });
    expect(share(state.progress!)).toBeNull();
    expect(
      fold(events(...begun, tick(5), { event: "step-finished", step: "copy", result: "done", milliseconds: 1 }))
        .progress,
    ).toBeNull();
  });

  test("keeps a bounded number of samples however long it takes, and remembers when it last moved", () => {
    const many = Array.from({ length: 50 }, (_, i) => tick(i < 25 ? i : 25));
    const progress = fold(events(...begun, ...many, ...many.map(() => tick(25)))).progress!;
    expect(progress.samples.length).toBeLessThanOrEqual(120);
    expect(progress.tickedAt - progress.movedAt).toBeGreaterThan(0);
  });
});

describe("a run's name", () => {
  const id = runId(parseInstant("2026-11-20T03:14:59Z")!, 12345);
  test("tells the minute and sorts by time", () => {
    expect(id).toMatch(/^R20261120-0314-[0-9a-z]{3}$/);
    expect(isRunId(id)).toBe(true);
    expect(isRunId(`../${id}`)).toBe(false);
    expect(runId(parseInstant("2026-11-20T03:15:00Z")!, 0) > id).toBe(true);
  });
  test("is known by its beginning or its end, an exact one before others", () => {
    const all = ["R20261120-0314-k3f", "R20261120-0315-abc", "R20261121-0000-k3f"];
    expect(matchingRuns(all, "R20261121")).toEqual(["R20261121-0000-k3f"]);
    expect(matchingRuns(all, "K3F")).toEqual(["R20261120-0314-k3f", "R20261121-0000-k3f"]);
    expect(matchingRuns(all, "R20261120-0314-k3f")).toEqual(["R20261120-0314-k3f"]);
    expect(matchingRuns(all, "zzz")).toEqual([]);
  });
});
