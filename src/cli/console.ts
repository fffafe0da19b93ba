import { PgrescueError } from "../domain/errors.ts";
import type { Command } from "./command.ts";

export const command: Command = {
  summary: "the console (the same as no command at all)",
  usage: "console",
  options: {},
  examples: ["pgrescue                                   # opens the console"],
  run: () => {
    throw new PgrescueError("bug", "no console yet");
  },
};
