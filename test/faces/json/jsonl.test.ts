import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import type { RunEvent } from "../../../src/domain/run/events.ts";
import { showJsonl } from "../../../src/faces/json/jsonl.ts";
import { recordedStory } from "../../support/story.ts";

test("a reader that goes away ends the face, not the run", async () => {
  const stdout = new PassThrough();
  let isReturned = false;
  async function* events(): AsyncGenerator<RunEvent> {
    try {
      for (let i = 0; ; i++) {
        const event = recordedStory()[i % 10];
        if (event === undefined) return;
        yield event;
        if (i === 1) stdout.destroy(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    } finally {
      isReturned = true;
    }
  }
  const state = await showJsonl(events(), stdout);
  expect(state.outcome).toBeNull();
  expect(isReturned).toBe(true);
});

test("a slow reader is waited for", async () => {
  const stdout = new PassThrough({ highWaterMark: 10 });
  const story = recordedStory();
  const shown = showJsonl(
    (async function* () {
      await Promise.resolve();
      yield* story;
    })(),
    stdout,
  );
  let text = "";
  stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await shown;
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(text.split("\n").filter((l) => l !== "")).toHaveLength(story.length);
});
