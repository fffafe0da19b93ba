import { runAsOwner } from "./as-owner.ts";
import type { Command } from "./command.ts";
import { currentActor } from "./run/actor.ts";
import { attachRun } from "./run/attach-run.ts";
import { findRun } from "./run/find-run.ts";
import { showRun } from "./run/show-any.ts";
import { chooseFace, showOptions } from "./run/show-run.ts";
import { openSettings } from "./settings.ts";

export const command: Command = {
  summary: "join the run that is going on",
  usage: "attach [ID]",
  description:
    "Shows a run from its beginning and lets you answer, note, pause and abort. Any number of people may join; closing\nthe window never stops the work. A run without a runner is shown from its journal.",
  options: showOptions,
  examples: ["pgrescue attach            # the newest unfinished run", "pgrescue attach k3f --jsonl"],
  positionals: { min: 0, max: 1 },
  run: async (args, terminal) => {
    const settings = await openSettings(args, terminal);
    const code = await runAsOwner("attach", args, settings, terminal);
    if (code !== null) return code;
    const found = await findRun(settings.stateDirectory, args.positionals[0]);
    const run = await attachRun(found.directory, await currentActor(terminal.env));
    if (!run.isLive) terminal.log(`no runner works on ${found.id}; this is its journal`);
    return showRun(chooseFace(args, terminal), run, args, terminal, "leave");
  },
};
