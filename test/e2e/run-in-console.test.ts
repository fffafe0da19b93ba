import { describe, expect, test } from "vitest";
import { attachRun } from "../../src/cli/run/attach-run.ts";
import { anna } from "../engine/toy-world.ts";
import { becomeServerUser } from "../support/become-server-user.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { openTmux, type TmuxTerminal } from "../support/tmux.ts";
import { makeToyRun, until, watch, type ToyRun } from "./toy-run.ts";

const program = await becomeServerUser();

/** `pgrescue attach` on a toy run, at a terminal of 80x24. */
async function attach(made: ToyRun): Promise<TmuxTerminal> {
  const terminal = await openTmux([program.node, program.script, "attach", "--state-dir", made.stateDirectory]);
  await terminal.waitFor(/\[3 Execute\]/);
  return terminal;
}

describe("a run of the command line at a terminal", () => {
  test("is shown in the console; q leaves it at work and says how to join again", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["slow", "two"], { production: ["two"] });
    const run = await made.launch({ interactive: true });
    run.close();
    {
      await using terminal = await attach(made);
      await terminal.press("q");
      const kept = await terminal.waitFor(/\[exit 0\]/);
      expect(kept).toContain(`${run.id}: goes on without this window`);
      expect(kept).toContain(`pgrescue attach ${run.id}`);
    }
    await using terminal = await attach(made);
    await terminal.waitFor(/DANGER/);
    await terminal.type("shop@db1");
    await terminal.waitFor(/\[ OK \] Enter answers/);
    await terminal.press("Enter");
    await terminal.waitFor(/REC ■/);
    await terminal.press("q");
    expect(await terminal.waitFor(/\[exit 0\]/)).toContain(`${run.id}: finished`);
    expect(await made.toy.effects()).toEqual(["do slow", "do two"]);
  });

  test("gives its exit code when the window is closed after its end: 60 paused, 0 done after going on", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["slow", "three"]);
    (await made.launch({ interactive: true })).close();
    await using terminal = await attach(made);
    await terminal.press("p");
    await terminal.waitFor(/REC ■/);
    await terminal.press("q");
    expect(await terminal.waitFor(/\[exit 60\]/)).toContain("paused at a safe point");
    (await made.launch({ interactive: true })).close();
    await using again = await attach(made);
    await again.waitFor(/REC ■/);
    await again.press("q");
    await again.waitFor(/\[exit 0\]/);
  });

  test("that loses its runner is cut off: exit code 40, and the terminal is as it was", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["slow", "slower"]);
    const run = await made.launch({ interactive: true });
    const events = run.events[Symbol.asyncIterator]();
    const started = await until(events, (event) => event.event === "started");
    await using terminal = await attach(made);
    if (started.event === "started") process.kill(started.pid, "SIGKILL");
    await terminal.waitFor(/cut off/);
    await terminal.press("q");
    expect(await terminal.waitFor(/\[exit 40\]/)).toContain(`${run.id}: cut off`);
  });

  test("goes on when the window is closed by a signal", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["slow", "three"]);
    (await made.launch({ interactive: true })).close();
    {
      await using _terminal = await attach(made);
    }
    const state = await watch((await attachRun(made.directory, anna)).events);
    expect(state).toMatchObject({ attempt: 1, outcome: { result: "done" } });
  });
});
