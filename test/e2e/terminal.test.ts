import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { attachRun } from "../../src/cli/run/attach-run.ts";
import { anna } from "../engine/toy-world.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { makeToyRun, script, watch, type ToyRun } from "./toy-run.ts";

const run = promisify(execFile);

// The ends of prompts: what is typed before a prompt stands there is dropped.
const menu = "or nothing to go back:";
const question = "Type shop@db1 to continue, or nothing to decline:";

/** A real terminal of 80x24 in a tmux server of its own, running the toy command. */
async function openTerminal(made: ToyRun, words: readonly string[] = ["--plain"]) {
  const name = `pgrescue-test-${process.pid}-${Math.floor(performance.now())}`;
  const tmux = async (...args: string[]) => (await run("tmux", ["-L", name, "-f", "/dev/null", ...args])).stdout;
  const line = [process.execPath, script("toy-command.ts"), made.directory, ...words]
    .map((word) => `'${word}'`)
    .join(" ");
  await tmux(
    "new-session",
    "-d",
    "-x",
    "80",
    "-y",
    "24",
    `TOY='${made.toy.directory}' ${line}; echo "exit $?"; sleep 60`,
  );
  const screen = async () => tmux("capture-pane", "-p", "-t", "0", "-S", "-200");
  return {
    screen,
    keys: async (...keys: string[]) => void (await tmux("send-keys", "-t", "0", ...keys)),
    shows: async (text: string): Promise<string> => {
      for (let i = 0; i < 100; i++) {
        const seen = await screen();
        if (seen.includes(text)) return seen;
        await delay(100);
      }
      throw new Error(`the terminal never showed ${text}:\n${await screen()}`);
    },
    [Symbol.asyncDispose]: async () => void (await tmux("kill-server").catch(() => undefined)),
  };
}

describe("at a terminal", () => {
  test("a confirmation takes the exact text only, and Ctrl-C asks instead of stopping", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["one", "two"], { production: ["two"] });
    await using terminal = await openTerminal(made);
    await terminal.shows(question);
    await terminal.keys("shop", "Enter");
    await terminal.shows("That is not the same. Nothing was changed.");
    await terminal.keys("C-c");
    await terminal.shows(menu);
    await terminal.keys("4", "Enter");
    await delay(300);
    await terminal.keys("shop@db1", "Enter");
    await terminal.shows("exit 0");
    expect(await made.toy.effects()).toEqual(["do one", "do two"]);
  });

  test("Enter alone declines with exit code 31, and nothing has happened", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["two"], { production: ["two"] });
    await using terminal = await openTerminal(made);
    await terminal.shows(question);
    await terminal.keys("Enter");
    await terminal.shows("exit 31");
    expect(await made.toy.effects()).toEqual([]);
  });

  test("Ctrl-D at a question asks what was meant, and is no answer", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["two"], { production: ["two"] });
    await using terminal = await openTerminal(made);
    await terminal.shows(question);
    await terminal.keys("C-d");
    await terminal.shows(menu);
    await terminal.keys("1", "Enter");
    await terminal.shows("exit 0");
    await using again = await openTerminal(made, ["--plain", "--join"]);
    await again.shows(question);
    await again.keys("shop@db1", "Enter");
    await again.shows("exit 0");
    expect(await made.toy.effects()).toEqual(["do two"]);
  });

  test("what is typed while Ctrl-C asks never answers a question that came up meanwhile", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["slow", "two"], { production: ["two"] });
    await using terminal = await openTerminal(made);
    await terminal.shows("Step 1 of 2");
    await terminal.keys("C-c");
    await terminal.shows(menu);
    await terminal.shows("Asks:");
    await delay(400);
    // At the question itself this would decline.
    await terminal.keys("Enter");
    await terminal.shows(question);
    await terminal.keys("shop@db1", "Enter");
    await terminal.shows("exit 0");
    expect(await made.toy.effects()).toEqual(["do slow", "do two"]);
  });

  test("what was typed before a question stood there is no answer to it", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["slow", "two"], { production: ["two"] });
    await using terminal = await openTerminal(made);
    await terminal.shows("Step 1 of 2");
    await terminal.keys("Enter", "y", "Enter", "x");
    await terminal.shows(question);
    await delay(300);
    await terminal.keys("shop@db1", "Enter");
    await terminal.shows("exit 0");
    expect(await made.toy.effects()).toEqual(["do slow", "do two"]);
  });

  test("TERM=dumb gets no control sequences", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["two"], { production: ["two"] });
    const file = join(base.path, "typescript");
    const line = `${process.execPath} ${script("toy-command.ts")} ${made.directory}`;
    const session = spawn("script", ["-qfec", line, file], {
      env: { ...process.env, TOY: made.toy.directory, TERM: "dumb" },
      stdio: ["pipe", "ignore", "ignore"],
    });
    while (!(await readFile(file, "utf8").catch(() => "")).includes("or nothing to decline: ")) await delay(50);
    await delay(200);
    session.stdin.write("shop@db1\r");
    await once(session, "close");
    const shown = await readFile(file, "utf8");
    expect(shown).toContain("or nothing to decline: shop@db1");
    expect(shown).toContain("finished");
    expect(shown).not.toContain("\u001b");
  });

  test("a run that ends while Ctrl-C asks ends the asking, too", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["slow"]);
    await using terminal = await openTerminal(made);
    await terminal.shows("Step 1 of 1");
    await terminal.keys("C-c");
    await terminal.shows(menu);
    expect(await terminal.shows("exit 0")).toContain("finished");
  });

  test("Ctrl-C and 1 leaves the run at work", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["one", "slow", "three"]);
    await using terminal = await openTerminal(made);
    await terminal.shows("slow");
    await terminal.keys("C-c");
    await terminal.shows(menu);
    await terminal.keys("1", "Enter");
    const seen = await terminal.shows("exit 0");
    expect(seen).toContain("goes on without this window");
    expect((await watch((await attachRun(made.directory, anna)).events)).outcome).toMatchObject({ result: "done" });
  });

  test("Ctrl-C and 2 pauses, exit code 60; Ctrl-C twice leaves", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["one", "slow", "slower"]);
    {
      await using terminal = await openTerminal(made);
      await terminal.shows("slow");
      await terminal.keys("C-c");
      await terminal.shows(menu);
      await terminal.keys("2", "Enter");
      await terminal.shows("exit 60");
    }
    await using terminal = await openTerminal(made);
    await terminal.shows("slower");
    await terminal.keys("C-c");
    await terminal.shows(menu);
    await terminal.keys("C-c");
    await terminal.shows("exit 0");
    expect((await watch((await attachRun(made.directory, anna)).events)).outcome).toMatchObject({ result: "done" });
  });

  test("closing it leaves the run at work", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["one", "slow", "three"]);
    {
      await using terminal = await openTerminal(made);
      await terminal.shows("slow");
    }
    const state = await watch((await attachRun(made.directory, anna)).events);
    expect(state).toMatchObject({ attempt: 1, outcome: { result: "done" } });
  });
});

describe("a list at a terminal", () => {
  test("goes on below the question after Ctrl-C, when the answer is to stay", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["one", "slow", "three"]);
    await using terminal = await openTerminal(made, ["--list"]);
    await terminal.shows("slow");
    await terminal.keys("C-c");
    await terminal.shows(menu);
    await terminal.keys("4", "Enter");
    const seen = await terminal.shows("exit 0");
    expect(seen).toMatch(/What now\?[^]*Stay here[^]*slow[^]*three[^]*finished/);
    expect(await made.toy.effects()).toEqual(["do one", "do slow", "do three"]);
  });

  test("is left with Ctrl-C twice, and the run goes on", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["one", "slow", "three"]);
    await using terminal = await openTerminal(made, ["--list"]);
    await terminal.shows("slow");
    await terminal.keys("C-c");
    await terminal.shows(menu);
    await terminal.keys("C-c");
    const seen = await terminal.shows("exit 0");
    expect(seen).toContain("goes on without this window");
    expect(seen).not.toContain("cut off");
    expect((await watch((await attachRun(made.directory, anna)).events)).outcome).toMatchObject({ result: "done" });
  });

  test("that must not ask is stopped by Ctrl-C, to be continued", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["one", "slow"]);
    await using terminal = await openTerminal(made, ["--headless"]);
    await terminal.shows("slow");
    await terminal.keys("C-c");
    await terminal.shows("exit 130");
  });
});

describe("without a terminal", () => {
  async function startHeadless(made: ToyRun, words: readonly string[]): Promise<ChildProcess> {
    const child = spawn(process.execPath, [script("toy-command.ts"), made.directory, ...words], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    child.stdout.resume();
    const journal = join(made.directory, "journal.jsonl");
    while (!(await readFile(journal, "utf8").catch(() => "")).includes('"step-started"')) await delay(20);
    return child;
  }

  test.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)("%s stops the work at once, to be continued, with exit code %i", async (signal, code) => {
    for (const words of [["--jsonl"], ["--no-input"], ["--json"]]) {
      await using base = await temporaryDirectory();
      const made = await makeToyRun(base.path, ["slow", "three"]);
      const child = await startHeadless(made, words);
      child.kill(signal);
      expect([words, await once(child, "close")]).toEqual([words, [code, null]]);
      const state = await watch((await attachRun(made.directory, anna)).events);
      expect(state.outcome).toMatchObject({ result: "paused", exitCode: code, code: "interrupted" });
      expect(await made.toy.effects()).toEqual([]);
    }
  });

  test("a missing confirmation ends with exit code 30 and names the flag", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["two"], { production: ["two"] });
    const failed = run(process.execPath, [script("toy-command.ts"), made.directory]);
    await expect(failed).rejects.toMatchObject({ code: 30, stderr: expect.stringContaining("--confirm shop@db1") });
    const done = await run(process.execPath, [
      script("toy-command.ts"),
      made.directory,
      "--confirm",
      "shop@db1",
      "--json",
    ]);
    expect(JSON.parse(done.stdout)).toMatchObject({ schema: "pgrescue.run/v1", outcome: { result: "done" } });
  });
});
