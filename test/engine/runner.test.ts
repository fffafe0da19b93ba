import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { PgrescueError } from "../../src/domain/errors.ts";
import { fold } from "../../src/domain/run/reduce.ts";
import type { RunEvent } from "../../src/domain/run/events.ts";
import type { RunHandle } from "../../src/engine/runner.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import {
  anna,
  journaled,
  makeToy,
  registryOf,
  runToEnd,
  start,
  toyKind,
  toyLaunch,
  toyRunbook,
  toySpec,
  toyStep,
} from "./toy-world.ts";

const names = ["one", "two", "three"];

async function questionOf(handle: RunHandle): Promise<string> {
  for await (const event of handle.events()) if (event.event === "asked") return event.question.id;
  throw new Error("the run ended without asking");
}

async function allOf(events: AsyncIterable<RunEvent>): Promise<readonly RunEvent[]> {
  const all: RunEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

describe("a run", () => {
  test("does every step once and tells the same story to readers, journal and state", async () => {
    await using directory = await temporaryDirectory();
    const toy = await makeToy(directory.path);
    const steps = registryOf(names.map((name) => toyKind(toy, name)));
    const run = await start({ toy, steps, spec: toySpec(toyRunbook(names.map((n) => toyStep(n)))) });
    const [first, second] = await Promise.all([allOf(run.events()), allOf(run.events())]);
    expect(await run.ended).toMatchObject({ result: "done", exitCode: 0 });
    expect(await toy.effects()).toEqual(["do one", "do two", "do three"]);
    const written = await journaled(toy);
    expect(first.filter((e) => e.event !== "progress")).toEqual(written);
    expect(second.filter((e) => e.event !== "progress")).toEqual(written);
    expect(written.map((e) => e.event).slice(0, 9)).toEqual([
      "opened",
      "planned",
      "started",
      "step-started",
      "command-started",
      "command-finished",
      "recorded",
      "step-finished",
      "step-started",
    ]);
    expect(fold(written).steps.map((s) => s.status)).toEqual(["done", "done", "done"]);
    expect(fold(written).recorded).toEqual({ "one.made": true, "two.made": true, "three.made": true });
  });

  test("lets go of what it holds before anybody is told that it has ended", async () => {
    await using directory = await temporaryDirectory();
    const toy = await makeToy(directory.path);
    const steps = registryOf([toyKind(toy, "one")]);
    const before: string[] = [];
    const letGo = async (): Promise<void> => void before.push((await journaled(toy)).at(-1)?.event ?? "");
    await runToEnd({ toy, steps, spec: toySpec(toyRunbook([toyStep("one")])), letGo });
    expect(before).toEqual(["step-finished"]);
    expect((await journaled(toy)).at(-1)?.event).toBe("ended");
  });

  test("passes over a step that is done already, and one whose condition does not hold, saying why", async () => {
    await using directory = await temporaryDirectory();
    const toy = await makeToy(directory.path);
    const steps = registryOf([toyKind(toy, "one", { probe: async () => "done" }), toyKind(toy, "two")]);
    const spec = toySpec(toyRunbook([toyStep("one"), toyStep("two", { when: "method == 'rewind-in-place'" })]), {
      inputs: { method: "restore-to-scratch" },
    });
    expect(await runToEnd({ toy, steps, spec })).toMatchObject({ result: "done" });
    expect(await toy.effects()).toEqual([]);
    expect(fold(await journaled(toy)).steps.map((s) => [s.status, s.reason])).toEqual([
      ["already-done", null],
      ["skipped", `method == 'rewind-in-place' does not hold: method is "restore-to-scratch"`],
    ]);
  });

  test("does not take a step's word for it: an effect that is not there is a failure", async () => {
    await using directory = await temporaryDirectory();
    const toy = await makeToy(directory.path);
    const steps = registryOf([toyKind(toy, "one", { probe: async () => "partial" })]);
    expect(await runToEnd({ toy, steps, spec: toySpec(toyRunbook([toyStep("one")])) })).toMatchObject({
      result: "failed",
      exitCode: 40,
      code: "external-failure",
    });
  });

  test("stops at a failing step with its code, what it means and what to do, and goes on there", async () => {
    await using directory = await temporaryDirectory();
    const toy = await makeToy(directory.path);
    let mended = false;
    const failing = toyKind(toy, "two", {
      run: async function* (p, ctx) {
        await ctx.command([toy.program, mended ? "do" : "fail", p.name]);
        yield { signal: "log", level: "info", text: "made" };
      },
    });
    const steps = registryOf([toyKind(toy, "one"), failing, toyKind(toy, "three")]);
    const spec = toySpec(toyRunbook(names.map((n) => toyStep(n))));
    const outcome = await runToEnd({ toy, steps, spec });
    expect(outcome).toMatchObject({
      result: "failed",
      exitCode: 40,
      code: "external-failure",
      message: `${toy.program} exited with 3: no luck`,
    });
    expect(outcome.next).toContain("pgrescue continue");
    mended = true;
    expect(await runToEnd({ toy, steps, spec })).toMatchObject({ result: "done" });
    expect(await toy.effects()).toEqual(["do one", "do two", "do three"]);
    expect(fold(await journaled(toy))).toMatchObject({ attempt: 2, outcome: { result: "done" } });
  });

  test("goes on after a step that may fail, and says so at the end", async () => {
    await using directory = await temporaryDirectory();
    const toy = await makeToy(directory.path);
    const broken = toyKind(toy, "one", {
      run: () => {
        throw new PgrescueError("store-failure", "the store is away");
      },
    });
    const steps = registryOf([broken, toyKind(toy, "two")]);
    const spec = toySpec(toyRunbook([toyStep("one", { on_failure: "continue" }), toyStep("two")]));
    expect(await runToEnd({ toy, steps, spec })).toMatchObject({
      result: "done-with-warnings",
      exitCode: 0,
      message: "done, except: Make one",
    });
    expect(await toy.effects()).toEqual(["do two"]);
  });

  test("calls anything that is not a known error a bug", async () => {
    await using directory = await temporaryDirectory();
    const toy = await makeToy(directory.path);
    const steps = registryOf([
      toyKind(toy, "one", {
        run: () => {
          throw new TypeError("x is undefined");
        },
      }),
    ]);
    expect(await runToEnd({ toy, steps, spec: toySpec(toyRunbook([toyStep("one")])) })).toMatchObject({
      result: "failed",
      exitCode: 1,
      code: "bug",
    });
  });
});

describe("a confirmation", () => {
  const spec = toySpec(toyRunbook([toyStep("one", { risk: "production" })]));

  test("without anybody to ask ends the attempt naming the flag, and nothing has happened", async () => {
    await using directory = await temporaryDirectory();
    const toy = await makeToy(directory.path);
    const steps = registryOf([toyKind(toy, "one")]);
    const outcome = await runToEnd({ toy, steps, spec });
    expect(outcome).toMatchObject({ exitCode: 30, code: "precondition-refused" });
    expect(outcome.next).toContain("pgrescue continue R20261120-0314-k3f --confirm shop@db1");
    expect(await toy.effects()).toEqual([]);
    const wrong = toyLaunch({ answers: { confirm: "shop@db2", yes: "yes" } });
    expect(await runToEnd({ toy, steps, spec, launch: wrong })).toMatchObject({
      exitCode: 30,
      message: `"shop@db2" is not shop@db1`,
    });
    expect(await runToEnd({ toy, steps, spec, launch: toyLaunch({ answers: { yes: "yes" } }) })).toMatchObject({
      exitCode: 30,
    });
    expect(await toy.effects()).toEqual([]);
    expect(await runToEnd({ toy, steps, spec, launch: toyLaunch({ answers: { confirm: "shop@db1" } }) })).toMatchObject(
      { result: "done" },
    );
    expect(await toy.effects()).toEqual(["do one"]);
  });

  test("takes the exact text only; Enter declines; declined can be asked again", async () => {
    await using directory = await temporaryDirectory();
    const toy = await makeToy(directory.path);
    const steps = registryOf([toyKind(toy, "one")]);
    const launch = toyLaunch({ interactive: true });
    const first = await start({ toy, steps, spec, launch });
    const id = await questionOf(first);
    expect(await first.answer(id, "SHOP@db1", anna)).toEqual({ accepted: false, reason: `"SHOP@db1" is not shop@db1` });
    expect(await first.answer("other", "shop@db1", anna)).toMatchObject({ accepted: false });
    expect(await first.answer(id, "", anna)).toEqual({ accepted: true });
    expect(await first.ended).toMatchObject({ result: "declined", exitCode: 31 });
    const second = await start({ toy, steps, spec, launch });
    while (!(await second.answer(id, "shop@db1", anna)).accepted) await delay(5);
    expect(await second.ended).toMatchObject({ result: "done" });
    expect(await toy.effects()).toEqual(["do one"]);
    expect((await journaled(toy)).filter((e) => e.event === "answered").map((e) => e.value)).toEqual(["", "shop@db1"]);
  });

  test("stays open while nobody answers, across a pause", async () => {
    await using directory = await temporaryDirectory();
    const toy = await makeToy(directory.path);
    const steps = registryOf([toyKind(toy, "one")]);
    const first = await start({ toy, steps, spec, launch: toyLaunch({ interactive: true }) });
    await questionOf(first);
    await first.pause(anna);
    expect(await first.ended).toMatchObject({ result: "paused", exitCode: 60 });
    expect(fold(await journaled(toy)).question).toMatchObject({ step: "one", question: { expected: "shop@db1" } });
    expect(await runToEnd({ toy, steps, spec, launch: toyLaunch({ answers: { confirm: "shop@db1" } }) })).toMatchObject(
      { result: "done" },
    );
    expect((await journaled(toy)).filter((e) => e.event === "asked")).toHaveLength(1);
    expect(fold(await journaled(toy)).question).toBeNull();
  });
});

describe("a request to stop", () => {
  function slow(toy: Parameters<typeof toyKind>[0], pausable: boolean) {
    return toyKind(toy, "two", {
      pausable,
      run: async function* (p, ctx) {
        for (let i = 0; i < 20; i++) {
          yield { signal: "progress", done: i, total: 20, unit: "files", doing: "waiting" };
          await delay(20, undefined, { signal: ctx.signal });
        }
        await ctx.command([toy.program, "do", p.name]);
      },
    });
  }
  async function secondStep(run: RunHandle): Promise<void> {
    for await (const event of run.events()) if (event.event === "progress" && event.step === "two") return;
  }
  const spec = toySpec(toyRunbook(names.map((n) => toyStep(n))));

  test("pauses after a step that cannot be cut, at once in one that can, and continues exactly", async () => {
    for (const pausable of [false, true]) {
      await using directory = await temporaryDirectory();
      const toy = await makeToy(directory.path);
      const steps = registryOf([toyKind(toy, "one"), slow(toy, pausable), toyKind(toy, "three")]);
      const run = await start({ toy, steps, spec });
      await secondStep(run);
      await run.pause(anna);
      expect(await run.ended).toMatchObject({ result: "paused", exitCode: 60 });
      expect(await toy.standing()).toEqual(pausable ? ["one"] : ["one", "two"]);
      expect(await runToEnd({ toy, steps, spec })).toMatchObject({ result: "done" });
      expect(await toy.effects()).toEqual(["do one", "do two", "do three"]);
    }
  });

  test("by SIGTERM stops at once with 143 and can be continued", async () => {
    await using directory = await temporaryDirectory();
    const toy = await makeToy(directory.path);
    const steps = registryOf([toyKind(toy, "one"), slow(toy, false), toyKind(toy, "three")]);
    const run = await start({ toy, steps, spec });
    await secondStep(run);
    await run.interrupt("SIGTERM", anna);
    expect(await run.ended).toMatchObject({ result: "paused", exitCode: 143, code: "interrupted" });
    expect(fold(await journaled(toy)).steps.map((s) => s.status)).toEqual(["done", "cut-off", "waiting"]);
    expect(await runToEnd({ toy, steps, spec })).toMatchObject({ result: "done" });
  });

  test("for good removes nothing, says what stays, and what stays can be taken back", async () => {
    await using directory = await temporaryDirectory();
    const toy = await makeToy(directory.path);
    const steps = registryOf([toyKind(toy, "one"), slow(toy, false), toyKind(toy, "three")]);
    const run = await start({ toy, steps, spec });
    await secondStep(run);
    await run.abort(anna);
    const outcome = await run.ended;
    expect(outcome).toMatchObject({ result: "aborted", exitCode: 31 });
    expect(outcome.means).toBe(
      "Nothing was removed. stays: Make one (undo: remove it); may be half done (it was cut off): Make two (undo: remove it).",
    );
    expect(await toy.effects()).toEqual(["do one"]);
    expect(await runToEnd({ toy, steps, spec, launch: toyLaunch({ task: "undo" }) })).toMatchObject({
      result: "aborted",
      message: "taken back",
    });
    expect(await toy.effects()).toEqual(["do one", "undo one"]);
    expect(fold(await journaled(toy)).steps.map((s) => s.status)).toEqual(["undone", "undone", "waiting"]);
  });
});

describe("readers", () => {
  test("that are slow, or leave, never hold up the work", async () => {
    await using directory = await temporaryDirectory();
    const toy = await makeToy(directory.path);
    const steps = registryOf(names.map((name) => toyKind(toy, name)));
    const run = await start({ toy, steps, spec: toySpec(toyRunbook(names.map((n) => toyStep(n)))) });
    const stuck = run.events()[Symbol.asyncIterator]();
    await stuck.next();
    for await (const event of run.events()) if (event.event === "started") break;
    expect(await run.ended).toMatchObject({ result: "done" });
    const rest: string[] = [];
    for (let next = await stuck.next(); next.done !== true; next = await stuck.next()) rest.push(next.value.event);
    expect(rest.at(-1)).toBe("ended");
  });

  test("get at most ten ticks a second, and only of the step that runs", async () => {
    await using directory = await temporaryDirectory();
    const toy = await makeToy(directory.path);
    const busy = toyKind(toy, "one", {
      run: async function* (p, ctx) {
        for (let i = 0; i < 3000; i++) {
          yield { signal: "progress", done: i, total: 3000, unit: "files", doing: "counting" };
          if (i % 10 === 0) await delay(1);
        }
        await ctx.command([toy.program, "do", p.name]);
      },
    });
    const run = await start({ toy, steps: registryOf([busy]), spec: toySpec(toyRunbook([toyStep("one")])) });
    const began = performance.now();
    const events = await allOf(run.events());
    const seconds = (performance.now() - began) / 1000;
    const ticks = events.filter((e) => e.event === "progress");
    expect(ticks.length).toBeGreaterThan(0);
    expect(ticks.length).toBeLessThanOrEqual(seconds * 10 + 2);
    expect(events.findLastIndex((e) => e.event === "progress")).toBeLessThan(
      events.findIndex((e) => e.event === "step-finished"),
    );
    expect((await journaled(toy)).some((e) => (e.event as string) === "progress")).toBe(false);
  });
});
