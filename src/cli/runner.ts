import type { Command } from "./command.ts";
import { runRunner } from "./run/run-runner.ts";
import { runnerWiring } from "./run/wiring.ts";

export const command: Command = {
  summary: "works on a run; started by pgrescue itself",
  usage: "__runner DIRECTORY",
  options: {},
  examples: ["pgrescue __runner DIRECTORY"],
  positionals: { min: 1, max: 1 },
  hidden: true,
  run: async (args) => await runRunner(args.positionals[0] ?? "", runnerWiring),
};
