import { serveBroker } from "../adapters/system/broker.ts";
import { createShell } from "../adapters/system/exec.ts";
import type { Command } from "./command.ts";

export const command: Command = {
  summary: "runs what root allowed a run to do as root; started by pgrescue itself",
  usage: "__broker",
  options: {},
  examples: ["pgrescue __broker"],
  hidden: true,
  run: async () => {
    await serveBroker(createShell());
    return 0;
  },
};
