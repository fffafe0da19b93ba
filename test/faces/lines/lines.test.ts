import { describe, expect, test } from "vitest";
import { PassThrough } from "node:stream";
import { startLines } from "../../../src/faces/lines/lines.ts";
import { createPrompter } from "../../../src/faces/lines/terminal-prompter.ts";
import { followRun } from "../../../src/faces/lines/follow.ts";
import { Interrupted } from "../../../src/faces/lines/prompter.ts";
import { consoleWorld, twoClusters } from "../../support/console-world.ts";
import { scriptedPrompter } from "../../support/prompter.ts";
import { recordedStory, storyUntil } from "../../support/story.ts";

describe("plain mode", () => {
  test("walks from the menu to the end of a recovery, typing what is asked", async () => {
    const world = consoleWorld({ events: recordedStory() });
    const prompter = scriptedPrompter([
      "2",
      "1",
      "tomorrow",
      "1",
      "02:51 UTC",
      "1",
      "1",
      "shop@db2",
      "shop@db1",
      "shop@db1",
      "",
    ]);
    await startLines(world.port, prompter);
    expect(world.asked).toEqual([
      "start restore-to-scratch",
      "answer stop#1 shop@db1",
      "answer promote#1 shop@db1",
      "close",
    ]);
    const text = prompter.lines.join("\n");
    expect(text).toContain("FAIL: state, not accepting connections since 03:11:50   role: was PRIMARY.");
    expect(text).toContain("FAIL: cannot be reached: 2026-11-21 03:14:22 UTC is after the last commit");
    expect(text).toContain("DANGER. This changes production.");
    expect(text).toContain("That is not the same. Nothing was changed.");
    expect(text).toContain("R20261120-0314-k3f finished with warnings");
  });

  test("numbers its menus, explains itself on ?, and asks again for what is not on the list", async () => {
    const { port } = consoleWorld();
    const prompter = scriptedPrompter(["?", "99", ""]);
    await startLines(port, prompter);
    expect(prompter.lines).toContain("  1. Something is broken now (read-only checks)");
    expect(prompter.lines).toContain("99 is not on the list.");
    expect(prompter.lines.some((l) => l.startsWith("Nothing here changes anything"))).toBe(true);
  });

  test("asks which cluster where there are several", async () => {
    const { port } = consoleWorld({ home: twoClusters });
    const prompter = scriptedPrompter(["2", "1", ""]);
    await startLines(port, prompter);
    expect(prompter.lines).toContain("Do not run pg_resetwal.");
  });

  test("says at most one line of progress in 10 s", async () => {
    const world = consoleWorld({
      events: recordedStory().filter((e) => e.event !== "asked" && e.event !== "answered"),
    });
    const prompter = scriptedPrompter([]);
    await followRun(await world.port.attach("R"), prompter);
    const restoring = prompter.lines.filter((l) => l.includes("writing files"));
    expect(restoring.length).toBeLessThanOrEqual(7);
  });

  test("a question that somebody else answers is taken back", async () => {
    const story = storyUntil((e) => e.event === "answered");
    const answered = recordedStory().slice(story.length, story.length + 1);
    const prompter = scriptedPrompter([]);
    const world = consoleWorld();
    const handle = await world.port.attach("R");
    const state = await followRun(
      {
        ...handle,
        events: (async function* () {
          yield* story;
          await new Promise((resolve) => setTimeout(resolve, 400));
          yield* answered;
        })(),
      },
      prompter,
    );
    expect(prompter.lines.some((l) => l.startsWith("Type shop@db1 to continue"))).toBe(true);
    expect(state?.answers).toHaveLength(1);
    expect(world.asked).toEqual(["close"]);
  });

  test("Ctrl-C asks what was meant; leaving leaves the run at work", async () => {
    const world = consoleWorld({ events: storyUntil((e) => e.event === "asked"), isEndless: true });
    const prompter = scriptedPrompter(["2", "1"]);
    const followed = followRun(await world.port.attach("R"), prompter);
    await new Promise((resolve) => setTimeout(resolve, 50));
    prompter.interrupt();
    await new Promise((resolve) => setTimeout(resolve, 50));
    prompter.interrupt();
    expect(await followed).toBeNull();
    expect(world.asked).toEqual(["pause", "close"]);
  });

  test("reads lines with the real prompt, and an aborted question rejects", async () => {
    const stdin = new PassThrough();
    const stdout = new PassThrough();
    stdout.resume();
    const prompter = createPrompter(stdin, stdout);
    const asked = prompter.ask("Target:");
    setTimeout(() => stdin.write("4E/2C00A118\n"), 50);
    expect(await asked).toBe("4E/2C00A118");
    const stop = new AbortController();
    const open = prompter.ask("Target:", stop.signal);
    setTimeout(() => stop.abort(), 50);
    await expect(open).rejects.toBeInstanceOf(Interrupted);
  });
});
