import type { Arguments, Terminal } from "../command.ts";
import type { AttachedRun } from "./attach-run.ts";
import { exitCodeNow } from "./exit-code.ts";
import { chooseFace, isInteractive, showWithoutAsking, type FaceName } from "./show-run.ts";

/**
 * Shows a run with the face that was chosen and gives its exit code, 0 when it was left at work. `leave`: this process is
 * only a viewer. The console and the plain lines are viewers whatever `onSignal` says.
 */
export async function showRun(
  face: FaceName,
  run: AttachedRun,
  args: Arguments,
  terminal: Terminal,
  onSignal: "stop" | "leave" = "stop",
): Promise<number> {
  // These have their own ways with signals.
  if (face === "console" || face === "plain" || isAttended(args, terminal)) run.early?.release();
  if (face === "console") return await showInConsole(run, args, terminal);
  if (face === "plain") return await showInLines(run, args, terminal);
  if (face === "headless" && isAttended(args, terminal)) {
    // Nobody at the terminal, no prompts in memory.
    const { showAttended } = await import("./show-attended.ts");
    return await showAttended(run, args, terminal);
  }
  return await showWithoutAsking(face, run, args, terminal, onSignal);
}

/** Whether somebody sits there who did not forbid asking: then headless only means that the console would be in the way. */
function isAttended(args: Arguments, terminal: Terminal): boolean {
  return terminal.stderr.isTTY && isInteractive(chooseFace(args, terminal));
}

/** Opens the console on the run; what the terminal keeps afterwards says how to join again. */
async function showInConsole(run: AttachedRun, args: Arguments, terminal: Terminal): Promise<number> {
  // The console joins by itself, and again whenever the operator goes on with the run.
  run.close();
  const { openConsole } = await import("../console.ts");
  await openConsole(args, terminal, run.id);
  return await exitCodeNow(run);
}

/** Says the run line by line and puts its questions; Ctrl-C asks what was meant. */
async function showInLines(run: AttachedRun, args: Arguments, terminal: Terminal): Promise<number> {
  const { createPrompter } = await import("../../faces/lines/terminal-prompter.ts");
  const { followRun } = await import("../../faces/lines/follow.ts");
  const prompter = createPrompter(terminal.stdin, terminal.stdout);
  const state = await followRun(run, prompter, { isQuiet: args.flag("quiet") });
  if (state === null)
    prompter.say(`${run.id} goes on without this window; join it with \`pgrescue attach ${run.id}\`.`);
  return await exitCodeNow(run);
}
