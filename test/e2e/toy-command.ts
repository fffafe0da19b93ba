// What `pgrescue recover` and `continue` do once a run is planned, over toy steps: `node toy-command.ts RUN_DIRECTORY [OPTION]...`.
// With --join what `attach` does; with --list as `backup` does, which never opens the console.
import type { Command } from "../../src/cli/command.ts";
import { parseArguments } from "../../src/cli/parse.ts";
import { answerOptions, answersFrom } from "../../src/cli/run/answers.ts";
import { attachRun } from "../../src/cli/run/attach-run.ts";
import { launchRun } from "../../src/cli/run/launch-run.ts";
import { showRun } from "../../src/cli/run/show-any.ts";
import { chooseFace, isInteractive, showOptions } from "../../src/cli/run/show-run.ts";
import { processTerminal } from "../../src/cli/terminal.ts";
import { anna } from "../engine/toy-world.ts";
import { toyRunnerCommand } from "./toy-run.ts";

const [runDirectory = "", ...words] = process.argv.slice(2);
const terminal = processTerminal();
const command: Command = {
  summary: "",
  usage: "",
  options: {
    ...answerOptions,
    ...showOptions,
    join: { type: "boolean", summary: "" },
    list: { type: "boolean", summary: "" },
  },
  examples: [],
  run: async () => 0,
};
const args = parseArguments("toy", command, words);
const face = chooseFace(args, terminal);
const run = args.flag("join")
  ? await attachRun(runDirectory, anna)
  : await launchRun(runDirectory, {
      actor: anna,
      interactive: isInteractive(face),
      answers: answersFrom(args),
      argv: toyRunnerCommand,
    });
process.exitCode = await showRun(args.flag("list") && face === "console" ? "headless" : face, run, args, terminal);
