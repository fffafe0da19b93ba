import { describe, expect, test } from "vitest";
import type { RunEvent } from "../../../src/domain/run/events.ts";
import { showHeadless } from "../../../src/faces/headless/headless.ts";
import { FakeStream } from "../../support/fake-stream.ts";
import { asStream, recordedStory, storyUntil } from "../../support/story.ts";

async function said(events: readonly RunEvent[], isQuiet = false): Promise<readonly string[]> {
  const stderr = new FakeStream();
  await showHeadless(asStream(events), { stderr: stderr.stream, isQuiet });
  return stderr.lines;
}

const story = recordedStory();
const failure: RunEvent = {
  ...(story.at(-1) as Extract<RunEvent, { event: "ended" }>),
  outcome: {
    result: "failed",
    exitCode: 40,
    message: "no wal for timeline 3 after 0/5A000000",
    code: "store-failure",
    means: "The storage did not answer as it should; nothing half-written is ever offered as a backup.",
    next: "Check the storage, then run `pgrescue continue` or the command again.",
  },
};

describe("headless without a terminal", () => {
  test("begins every line of an event with its time", async () => {
    const lines = await said(story);
    expect(lines[0]).toMatch(/^2026-11-20T03:14:22Z R20261120-0314-k3f: recovery of shop/);
  });

  test("speaks of progress at most every 10 s or 5 %", async () => {
    const tick = (seconds: number, done: number): RunEvent => ({
      schema: "pgrescue.event/v1",
      run: "R",
      seq: 3,
      at: `2026-11-20T03:20:${String(seconds).padStart(2, "0")}.000000Z`,
      event: "progress",
      step: "restore",
      done,
      total: 10_000,
      unit: "files",
      doing: "writing",
    });
    const ticks = Array.from({ length: 60 }, (_, i) => tick(i, i));
    expect((await said(ticks)).filter((l) => l.includes("files"))).toHaveLength(6);
    const fast = Array.from({ length: 50 }, (_, i) => tick(1, i * 200));
    expect((await said(fast)).filter((l) => l.includes("files"))).toHaveLength(17);
  });

  test("names the flag that answers a question, and asks nothing", async () => {
    const lines = await said(storyUntil((e) => e.event === "answered"));
    expect(lines.join("\n")).toContain("To answer without a terminal: --confirm shop@db1");
  });

  test("says nothing of what was skipped or is unknown when it is quiet and all went well", async () => {
    const verdict = (result: "skip" | "unknown" | "warn"): RunEvent => ({
      ...(story.find((e) => e.event === "verdict") as Extract<RunEvent, { event: "verdict" }>),
      verdict: { check: result, title: `a ${result}`, result, evidence: "seen" },
    });
    const ended = story.at(-1) as Extract<RunEvent, { event: "ended" }>;
    const end = (result: "done" | "done-with-warnings"): RunEvent => ({
      ...ended,
      outcome: { result, exitCode: 0, message: "every step is done" },
    });
    expect(await said([verdict("skip"), verdict("unknown"), end("done")], true)).toEqual([]);
    const warned = (await said([verdict("skip"), verdict("warn"), end("done-with-warnings")], true)).join("\n");
    expect(warned).toContain("a warn");
    expect(warned).not.toContain("a skip");
  });

  test("ends a failure with its four parts", async () => {
    const lines = await said([...story.slice(0, -1), failure]);
    expect(lines.slice(-4).map((l) => l.replace(/^\S+Z /, ""))).toEqual([
      "What happened:  no wal for timeline 3 after 0/5A000000",
      "For the data:   The storage did not answer as it should; nothing half-written is ever offered as a backup.",
      "What to do:     Check the storage, then run `pgrescue continue` or the command again.",
      "More:           pgrescue report R20261120-0314-k3f, pgrescue explain store-failure",
    ]);
  });

  test("says so when the runner is gone and the run never ended", async () => {
    const lines = await said(storyUntil((e) => e.event === "ended"));
    expect(lines.join("\n")).toContain("What to do:     pgrescue continue R20261120-0314-k3f");
  });

  test("when quiet says only what is not good", async () => {
    const good = story.filter((e) => !["asked", "verdict", "log"].includes(e.event)).slice(0, -1);
    const done: RunEvent = { ...failure, outcome: { result: "done", exitCode: 0, message: "done" } };
    expect(await said([...good, done], true)).toEqual([]);
    expect((await said(story, true)).join("\n")).toContain("WARN: unlogged tables");
  });

  test("lets no control character of a server's message through", async () => {
    const lines = await said([
      ...story.slice(0, 3),
      { ...failure, event: "log", step: "stop", level: "info", text: "evil\u001b]0;title\u0007" },
    ]);
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    expect(lines.join("\n")).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });
});
