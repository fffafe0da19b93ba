import { readFileSync } from "node:fs";
import type { RunEvent } from "../../src/domain/run/events.ts";

/** The recorded run of test/golden/story.jsonl: a rewind in place with two questions, a note, a warning and a finished end. */
export function recordedStory(): readonly RunEvent[] {
  const file = new URL("../golden/story.jsonl", import.meta.url);
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as RunEvent);
}

/** The events up to and without the first for which `isEnd` holds. */
export function storyUntil(isEnd: (event: RunEvent) => boolean): readonly RunEvent[] {
  const all = recordedStory();
  const end = all.findIndex(isEnd);
  return end === -1 ? all : all.slice(0, end);
}

/** The events as a run hands them out. */
export async function* asStream(events: readonly RunEvent[]): AsyncGenerator<RunEvent> {
  await Promise.resolve();
  yield* events;
}
