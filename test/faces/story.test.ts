import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import type { RunEvent } from "../../src/domain/run/events.ts";
import { renderReport } from "../../src/domain/report.ts";
import { fold } from "../../src/domain/run/reduce.ts";
import { showHeadless } from "../../src/faces/headless/headless.ts";
import { showJson } from "../../src/faces/json/document.ts";
import { showJsonl } from "../../src/faces/json/jsonl.ts";
import { followRun } from "../../src/faces/lines/follow.ts";
import { frameRows } from "../../src/faces/tui/frame-rows.ts";
import { textOf } from "../../src/faces/tui/text.ts";
import { initialModel, update } from "../../src/faces/tui/update.ts";
import { now } from "../support/console-world.ts";
import { FakeStream } from "../support/fake-stream.ts";
import { scriptedPrompter } from "../support/prompter.ts";
import { asStream, recordedStory } from "../support/story.ts";

const story = recordedStory();
const state = fold(story);

/** What a reader of any face must learn: every step, check and command, what a person did, how it ended. */
const facts: readonly string[] = [
  ...state.steps.map((s) => s.plan.title),
  ...state.verdicts.flatMap((v) => [v.verdict.title, v.verdict.evidence]),
  "pg_ctl stop -D /var/lib/postgresql/15/main -m fast",
  "support confirms: orders of last night are missing",
  "no hook is configured",
  state.outcome?.message ?? "",
  "host=/var/run/postgresql port=5432 dbname=postgres",
];

describe("all faces show the same recorded story", () => {
  test("headless, in lines on stderr", async () => {
    const stderr = new FakeStream();
    expect(await showHeadless(asStream(story), { stderr: stderr.stream, isQuiet: false })).toEqual(state);
    for (const fact of facts) expect(stderr.text).toContain(fact);
  });

  test("headless, as a list of tasks on a terminal", async () => {
    const stderr = new FakeStream(true);
    expect(await showHeadless(asStream(story), { stderr: stderr.stream, isQuiet: false })).toEqual(state);
    const text = stripVTControlCharacters(stderr.text);
    for (const step of state.steps) expect(text).toContain(step.plan.title);
    expect(text).toContain(state.outcome?.message);
    expect(text).toContain("no hook is configured");
  });

  test("plain mode, said line by line", async () => {
    const prompter = scriptedPrompter([]);
    const { closed, handle } = played(story);
    expect(await followRun(handle, prompter)).toEqual(state);
    for (const fact of facts) expect(prompter.lines.join("\n")).toContain(fact);
    expect(closed()).toBe(true);
  });

  test("JSON lines, event by event", async () => {
    const stdout = new FakeStream();
    expect(await showJsonl(asStream(story), stdout)).toEqual(state);
    expect(stdout.lines.map((line) => JSON.parse(line) as unknown)).toEqual(story);
  });

  test("one JSON document", async () => {
    const printed: string[] = [];
    const final = await showJson(asStream(story), (line) => void printed.push(line));
    expect(final.outcome).toEqual(state.outcome);
    expect(printed).toHaveLength(1);
    const document = JSON.parse(printed[0] ?? "") as Record<string, unknown>;
    expect(document).toMatchObject({
      schema: "pgrescue.run/v1",
      id: state.run,
      kind: "recovery",
      outcome: state.outcome,
      recorded: state.recorded,
      connection: "host=/var/run/postgresql port=5432 dbname=postgres",
    });
    expect(document["verdicts"]).toHaveLength(state.verdicts.length);
  });

  test("the console's views of a run", () => {
    const start = initialModel({ now, columns: 200, rows: 80 });
    const joined = update(start, { is: "joined", run: state.run, isLive: true }).model;
    const { model } = update(joined, { is: "events", run: state.run, events: story });
    expect(model.run?.state).toEqual(state);
    const text = (["execute", "verify", "resume", "record"] as const)
      .flatMap((view) => frameRows({ ...model, path: ["home", view] }).map(textOf))
      .join("\n");
    for (const fact of facts) expect(text).toContain(fact);
  });

  test("the Markdown record", () => {
    const report = renderReport(state).replaceAll("\\", "");
    for (const fact of facts) expect(report).toContain(fact);
    expect(report).toContain("**decision** stop#1 = `shop@db1` by ana@db1.prod-eu1");
  });
});

function played(events: readonly RunEvent[]): { handle: Parameters<typeof followRun>[0]; closed: () => boolean } {
  let isClosed = false;
  return {
    closed: () => isClosed,
    handle: {
      id: state.run,
      isLive: true,
      events: asStream(events),
      answer: async () => {},
      pause: async () => {},
      abort: async () => {},
      note: async () => {},
      close: () => void (isClosed = true),
    },
  };
}
