import type { Terminal } from "../command.ts";
import type { AttachedRun } from "./attach-run.ts";
import type { Keyboard } from "./keyboard.ts";

/** What somebody who pressed Ctrl-C wants. */
export type InterruptChoice = "leave" | "pause" | "abort" | "stay";

const choices: { readonly [letter: string]: InterruptChoice } = { l: "leave", p: "pause", a: "abort", s: "stay" };

/**
 * Ctrl-C at a terminal never stops the work by itself: it asks. A second Ctrl-C, the end of the input and Enter all mean
 * the harmless answer, leaving the run at work.
 */
export async function askOnInterrupt(
  run: Pick<AttachedRun, "id">,
  terminal: Terminal,
  keyboard: Keyboard,
): Promise<InterruptChoice> {
  terminal.log("");
  terminal.log(`Run ${run.id} works on without this window. What now?`);
  terminal.log("  l  leave it running   (join again: pgrescue attach)");
  terminal.log("  p  pause at the next safe point   (go on: pgrescue continue)");
  terminal.log("  a  abort: give it up; nothing is removed");
  terminal.log("  s  stay here and watch");
  const answer = await keyboard.line("[l/p/a/s] ");
  return choices[(answer ?? "").toLowerCase().slice(0, 1)] ?? "leave";
}
