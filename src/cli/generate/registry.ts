import type { OptionSpecs } from "../command.ts";
import { keys } from "./keys.ts";
import type { Topic } from "./topic.ts";

/** Every topic of `generate`. */
export const topics = { keys } satisfies Record<string, Topic>;

/** The options of all topics. */
export const topicOptions = {
  output: { type: "string", value: "FILE", summary: "keys: where the identity is written; it must not exist" },
} as const satisfies OptionSpecs;
