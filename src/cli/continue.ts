import { PgrescueError } from "../domain/errors.ts";
import { isUnfinished } from "../domain/run/leftovers.ts";
import { runAsOwner } from "./as-owner.ts";
import type { Arguments, Command, Terminal } from "./command.ts";
import { currentActor } from "./run/actor.ts";
import { answerOptions, answersFrom } from "./run/answers.ts";
import { attachRun, type AttachedRun } from "./run/attach-run.ts";
import type { FoundRun } from "./run/find-run.ts";
import { findOrMoveRun } from "./run/move-run.ts";
import { launchRun } from "./run/launch-run.ts";
import { chooseFace, isInteractive, showOptions } from "./run/show-run.ts";
import { showRun } from "./run/show-any.ts";
import { openSettings } from "./settings.ts";

export const command: Command = {
  summary: "go on with a run that was paused, failed or cut off",
  usage: "continue [ID] [--confirm CLUSTER@HOST]",
  description:
    "Starts a runner on an unfinished run and joins it. Every step is looked at before it is done again, so nothing\nhappens twice. Without ID the newest unfinished run is meant; the beginning or the end of its name is enough.\nWith --state-dir a run whose disk is full is moved there first.",
  options: { ...showOptions, ...answerOptions },
  examples: [
    "pgrescue continue                          # the newest unfinished run",
    "pgrescue continue k3f --confirm shop@db1   # confirms production steps in advance",
  ],
  positionals: { min: 0, max: 1 },
  run: async (args, terminal) => {
    const settings = await openSettings(args, terminal);
    const code = await runAsOwner("continue", args, settings, terminal);
    if (code !== null) return code;
    const found = await findOrMoveRun(args, terminal, settings);
    const run = await joinOrLaunch(found, args, terminal);
    return showRun(chooseFace(args, terminal), run, args, terminal);
  },
};

async function joinOrLaunch(found: FoundRun, args: Arguments, terminal: Terminal): Promise<AttachedRun> {
  const actor = await currentActor(terminal.env);
  const joined = await attachRun(found.directory, actor);
  if (joined.isLive) {
    terminal.log(`${found.id} is at work already; joining it`);
    return joined;
  }
  const { state } = found;
  if (state.header !== null && !isUnfinished(state)) {
    throw new PgrescueError(
      "usage",
      `run ${found.id} is over: ${state.outcome?.result ?? "ended"}, ${state.outcome?.message ?? ""}`,
      {
        next: `Read it with \`pgrescue report ${found.id}\`; start a new one with \`pgrescue recover\`.`,
      },
    );
  }
  return launchRun(found.directory, {
    actor,
    interactive: isInteractive(chooseFace(args, terminal)),
    answers: answersFrom(args),
  });
}
