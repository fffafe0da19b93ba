import { join } from "node:path";
import { openJournal } from "../adapters/journal/file-journal.ts";
import { runFiles } from "../adapters/journal/run-directory.ts";
import { systemClock } from "../adapters/system/clock.ts";
import { acquireLock } from "../adapters/system/lock.ts";
import { PgrescueError } from "../domain/errors.ts";
import { formatInstant } from "../domain/instant.ts";
import type { Actor } from "../domain/run/events.ts";
import { isUnfinished, leftovers, undoable } from "../domain/run/leftovers.ts";
import { fold, reduce } from "../domain/run/reduce.ts";
import { emptyRun, type RunState } from "../domain/run/state.ts";
import { abortedOutcome } from "../engine/outcome.ts";
import { runAsOwner } from "./as-owner.ts";
import type { Command, Terminal } from "./command.ts";
import { currentActor } from "./run/actor.ts";
import { answerOptions, answersFrom } from "./run/answers.ts";
import { attachRun, type AttachedRun } from "./run/attach-run.ts";
import { findRun, openRunRecord, type FoundRun } from "./run/find-run.ts";
import { launchRun } from "./run/launch-run.ts";
import { showRun } from "./run/show-any.ts";
import { chooseFace, isInteractive, showOptions } from "./run/show-run.ts";
import { openSettings } from "./settings.ts";

export const command: Command = {
  summary: "give a run up, saying what stays",
  usage: "abort [ID] [--undo]",
  description:
    "Stops the run, at work or paused, for good. Nothing is removed: the answer says what stays and how it is taken\nback. With --undo the steps that know how are taken back, last first; what changed production asks again. Without\nID the newest unfinished run is meant; a run that is over can only be taken back by its name.",
  options: {
    undo: { type: "boolean", summary: "take finished steps back, last first" },
    ...answerOptions,
    ...showOptions,
  },
  examples: [
    "pgrescue abort                 # stop the newest unfinished run",
    "pgrescue abort k3f --undo --confirm shop@db1",
  ],
  positionals: { min: 0, max: 1 },
  run: async (args, terminal) => {
    const settings = await openSettings(args, terminal);
    const code = await runAsOwner("abort", args, settings, terminal);
    if (code !== null) return code;
    const found = await findRun(settings.stateDirectory, args.positionals[0]);
    const actor = await currentActor(terminal.env);
    const isOverFine = args.flag("undo") && args.positionals[0] !== undefined;
    const state = await giveUp(found, actor, isOverFine);
    if (!args.flag("undo")) return say(state, args.flag("json"), terminal);
    if (undoable(state).length === 0)
      throw new PgrescueError("usage", `run ${found.id} has nothing to take back`, {
        next: `Read it with \`pgrescue report ${found.id}\`.`,
      });
    const face = chooseFace(args, terminal);
    const run = await launchRun(found.directory, {
      actor,
      interactive: isInteractive(face),
      answers: answersFrom(args),
      task: "undo",
    });
    return showRun(face, run, args, terminal);
  },
};

/**
 * Ends the run, through its runner where one lives. Gives the state at the end. Throws `usage` for a run that is over,
 * unless `isOverFine`.
 */
async function giveUp(found: FoundRun, actor: Actor, isOverFine: boolean): Promise<RunState> {
  const run = await attachRun(found.directory, actor);
  try {
    if (run.isLive) return await abortLive(run);
  } finally {
    run.close();
  }
  if (isUnfinished(found.state)) return abortDead(found, actor);
  const { state } = await openRunRecord(join(found.directory, "..", ".."), found.id);
  if (state.header === null || isOverFine) return state;
  const undo = undoable(state).length === 0 ? "" : `; take it back with \`pgrescue abort ${found.id} --undo\``;
  throw new PgrescueError(
    "usage",
    `run ${found.id} is over: ${state.outcome?.result ?? "ended"}, ${state.outcome?.message ?? ""}`,
    { next: `Read it with \`pgrescue report ${found.id}\`${undo}.` },
  );
}

async function abortLive(run: AttachedRun): Promise<RunState> {
  let state = emptyRun;
  let isAsked = false;
  for await (const event of run.events) {
    state = reduce(state, event);
    if (isAsked) continue;
    isAsked = true;
    // Not awaited: the reply arrives among the events that are read here.
    run.abort().catch(() => undefined);
  }
  return state;
}

async function abortDead(found: FoundRun, actor: Actor): Promise<RunState> {
  const now = formatInstant(systemClock.now());
  const lock = await acquireLock({
    systemIdentifier: "run",
    dataDirectory: found.directory,
    run: found.id,
    user: actor.user,
    since: now,
    stateDirectory: join(found.directory, "..", ".."),
  });
  try {
    const { journal, history } = await openJournal(join(found.directory, runFiles.journal), {
      run: found.id,
      clock: systemClock,
    });
    try {
      const asked = reduce(fold(history), await journal.append({ event: "abort-requested", by: actor }));
      return reduce(asked, await journal.append({ event: "ended", outcome: abortedOutcome(asked) }));
    } finally {
      await journal.close();
    }
  } finally {
    await lock.release();
  }
}

function say(state: RunState, isJson: boolean, terminal: Terminal): number {
  if (isJson) {
    terminal.print(
      JSON.stringify({
        schema: "pgrescue.abort/v1",
        run: state.run,
        outcome: state.outcome,
        leftovers: leftovers(state),
      }),
    );
    return 0;
  }
  const result = state.outcome?.result === "aborted" ? "given up" : (state.outcome?.result ?? "cut off");
  terminal.print(`${state.run} ${result}. Nothing was removed by that:`);
  for (const line of leftovers(state)) terminal.print(`  ${line}`);
  if (state.outcome?.next !== undefined) terminal.print(state.outcome.next);
  return 0;
}
