// A face that prints a run's events: `node toy-face.ts RUN_DIRECTORY`. Started alone, or as the one that starts the run.
import { attachRun } from "../../src/cli/run/attach-run.ts";
import { launchRun } from "../../src/cli/run/launch-run.ts";
import { anna } from "../engine/toy-world.ts";
import { toyRunnerCommand } from "./toy-run.ts";

const [runDirectory = "", mode = "attach"] = process.argv.slice(2);
const run =
  mode === "launch"
    ? await launchRun(runDirectory, { actor: anna, interactive: false, answers: {}, argv: toyRunnerCommand })
    : await attachRun(runDirectory, anna);
for await (const event of run.events) process.stdout.write(`${JSON.stringify(event)}\n`);
