import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadRunbooks } from "../../src/adapters/config/runbook-file.ts";
import type { Json } from "../../src/domain/brand.ts";
import { fold } from "../../src/domain/run/reduce.ts";
import type { Runbook } from "../../src/domain/runbook.ts";
import type { StepRegistry } from "../../src/engine/step.ts";
import type { Journal } from "../../src/ports/journal.ts";
import {
  journaled,
  makeToy,
  registryOf,
  runToEnd,
  toyKind,
  toyLaunch,
  toyRunbook,
  toySpec,
  toyStep,
  type Attempt,
  type Toy,
} from "../engine/toy-world.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const shipped = new URL("../../runbooks", import.meta.url).pathname;

class PowerCut extends Error {}

/** A journal on a machine whose power goes before line `line` is written: nothing is written from then on. */
function cutBefore(line: number): (journal: Journal) => Journal {
  return (journal) => {
    let written = 0;
    return {
      ...journal,
      append: async (fact) => {
        if (++written >= line) throw new PowerCut();
        return journal.append(fact);
      },
    };
  };
}

/** Every step as a toy of the same name: its effect is one file, made by a program, once. */
function toysFor(
  toy: Toy,
  runbook: Runbook,
): { readonly runbook: Runbook; readonly steps: StepRegistry; readonly expected: readonly string[] } {
  const acting = runbook.steps.map((step) => ({ ...step, do: { builtin: step.id } }));
  const kinds = acting.map((step) => toyKind(toy, step.id, { risk: step.risk, volatile: step.id.includes("start") }));
  return {
    runbook: { ...runbook, steps: acting },
    steps: registryOf(kinds),
    expected: acting.map((step) => `do ${step.id}`),
  };
}

/** Inputs that let every conditional step run. */
const inputs: { readonly [name: string]: Json } = { targetAction: "promote", method: "rewind-in-place" };

async function playWithCuts(
  runbook: Runbook,
  makeSteps: (toy: Toy) => { readonly runbook: Runbook; readonly steps: StepRegistry },
): Promise<{ readonly lines: number; readonly effects: readonly string[] }> {
  await using base = await temporaryDirectory();
  const launch = toyLaunch({ answers: { confirm: "shop@db1", yes: "yes" } });
  async function world(name: string): Promise<Omit<Attempt, "wrap">> {
    const directory = join(base.path, name);
    await mkdir(directory);
    const toy = await makeToy(directory);
    const made = makeSteps(toy);
    return { toy, steps: made.steps, spec: toySpec(made.runbook, { inputs }), launch };
  }
  const undisturbed = await world("whole");
  expect(await runToEnd(undisturbed)).toMatchObject({ result: "done" });
  const effects = await undisturbed.toy.effects();
  const lines = (await journaled(undisturbed.toy)).length;
  for (let line = 1; line <= lines; line++) {
    const cut = await world(`cut-${line}`);
    await expect(runToEnd({ ...cut, wrap: cutBefore(line) })).rejects.toBeInstanceOf(PowerCut);
    expect(await runToEnd(cut)).toMatchObject({ result: "done" });
    expect([line, await cut.toy.effects()]).toEqual([line, effects]);
    const state = fold(await journaled(cut.toy));
    expect(state.steps.map((s) => s.plan.id)).toEqual(runbook.steps.map((s) => s.id));
    expect(state.steps.every((s) => ["done", "already-done", "skipped"].includes(s.status))).toBe(true);
  }
  return { lines, effects };
}

describe("power cut before every journal line", () => {
  test("leaves every effect done exactly once when the run goes on", async () => {
    const runbook = toyRunbook([
      toyStep("one"),
      toyStep("two", { risk: "production" }),
      toyStep("three", { when: "recorded.none == null" }),
    ]);
    const { effects } = await playWithCuts(runbook, (toy) => toysFor(toy, runbook));
    expect(effects).toEqual(["do one", "do two", "do three"]);
  });

  test("also in the middle of a step that can be half done, and again while it goes on", async () => {
    // Three files by three commands; a continued run makes the missing ones only.
    const parts = ["a", "b", "c"];
    const half = (toy: Toy) =>
      toyKind(toy, "half", {
        probe: async () => {
          const there = (await toy.standing()).length;
          return there === parts.length ? "done" : there === 0 ? "absent" : "partial";
        },
        run: async function* (_, ctx) {
          for (const part of parts) {
            if (!(await toy.standing()).includes(part)) await ctx.command([toy.program, "do", part]);
            yield { signal: "recorded", name: part, value: true };
          }
        },
      });
    const runbook = toyRunbook([toyStep("half")]);
    const { effects } = await playWithCuts(runbook, (toy) => ({ runbook, steps: registryOf([half(toy)]) }));
    expect(effects).toEqual(["do a", "do b", "do c"]);
  });

  test("leaves every step taken back exactly once when an undo goes on", async () => {
    const names = ["one", "two", "three"];
    const runbook = toyRunbook(names.map((name) => toyStep(name)));
    for (let line = 1; line < 16; line++) {
      await using base = await temporaryDirectory();
      const toy = await makeToy(base.path);
      const { steps } = toysFor(toy, runbook);
      const spec = toySpec(runbook);
      expect(await runToEnd({ toy, steps, spec })).toMatchObject({ result: "done" });
      const undo = { toy, steps, spec, launch: toyLaunch({ task: "undo" }) };
      await runToEnd({ ...undo, wrap: cutBefore(line) }).catch(() => undefined);
      expect(await runToEnd(undo)).toMatchObject({ result: "aborted", message: "taken back" });
      expect(await toy.standing()).toEqual([]);
      expect((await toy.effects()).slice(3)).toEqual(["undo three", "undo two", "undo one"]);
    }
  });
});

describe("power cut before every journal line of every shipped runbook", async () => {
  for (const [id, { runbook }] of await loadRunbooks({ shipped })) {
    test(`${id}: every effect exactly once`, async () => {
      const { effects } = await playWithCuts(runbook, (toy) => toysFor(toy, runbook));
      // Steps with a condition may have been left out.
      expect(effects.length).toBeGreaterThan(runbook.steps.filter((step) => step.when === undefined).length / 2);
      expect(new Set(effects).size).toBe(effects.length);
    });
  }
});
