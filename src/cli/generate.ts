import { PgrescueError } from "../domain/errors.ts";
import { nearest } from "../domain/nearest.ts";
import type { Command } from "./command.ts";
import { topicOptions, topics } from "./generate/registry.ts";

export const command: Command = {
  summary: "print what others run or keep: keys, storage, timers, CronJobs, grants",
  usage: "generate keys|storage|cron|systemd|k8s|grants",
  description: `Topics: ${Object.entries(topics)
    .map(([name, { summary }]) => `${name} (${summary})`)
    .join(", ")}. Nothing is changed but the file that is named with --output.`,
  options: topicOptions,
  examples: Object.values(topics).flatMap(({ examples }) => examples),
  positionals: { min: 1, max: 2 },
  run: async (args, terminal) => {
    const [name = ""] = args.positionals;
    const topic = Object.hasOwn(topics, name) ? topics[name as keyof typeof topics] : undefined;
    if (topic === undefined) {
      const close = nearest(name, Object.keys(topics));
      throw new PgrescueError(
        "usage",
        `nothing is generated for ${name}${close === null ? "" : `; did you mean ${close}?`}`,
        {
          next: `Topics: ${Object.keys(topics).join(", ")}.`,
        },
      );
    }
    return await topic.run(args, terminal);
  },
};
