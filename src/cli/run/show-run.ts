import { showHeadless } from "../../faces/headless/headless.ts";
import { showJson } from "../../faces/json/document.ts";
import { showJsonl } from "../../faces/json/jsonl.ts";
import { connectionOf } from "../../faces/ending.ts";
import type { RunState } from "../../domain/run/state.ts";
import type { Arguments, OptionSpecs, Terminal } from "../command.ts";
import type { AttachedRun } from "./attach-run.ts";
import { exitCodeNow } from "./exit-code.ts";

/** Options of every command that shows a run. */
export const showOptions = {
  jsonl: { type: "boolean", summary: "every event as a JSON line on stdout as it happens" },
  headless: { type: "boolean", summary: "no console even on a terminal: progress on stderr, never asks" },
} as const satisfies OptionSpecs;

export type FaceName = "console" | "plain" | "headless" | "json" | "jsonl";

/** Which face shows a run: by the flags, else the console on a terminal that can draw it. */
export function chooseFace(args: Arguments, terminal: Terminal): FaceName {
  if (args.flag("jsonl")) return "jsonl";
  if (args.flag("json")) return "json";
  const isTerminal = terminal.stdin.isTTY && terminal.stdout.isTTY;
  if (!isTerminal || args.flag("headless") || args.flag("no-input")) return "headless";
  const cannotDraw = terminal.env["TERM"] === "dumb" || terminal.env["TERM"] === undefined;
  return args.flag("plain") || cannotDraw ? "plain" : "console";
}

/** Whether somebody is there to answer questions. */
export function isInteractive(face: FaceName): boolean {
  return face === "console" || face === "plain";
}

/**
 * Shows a run without asking anything and gives its exit code. Where this process stands for the work (`stop`), a signal
 * stops it at once, to be continued (exit 130 or 143); a mere viewer (`leave`) just ends. A reader that goes away
 * (`| head -1`) leaves the run at work.
 */
export async function showWithoutAsking(
  face: "headless" | "json" | "jsonl",
  run: AttachedRun,
  args: Arguments,
  terminal: Terminal,
  onSignal: "stop" | "leave" = "stop",
): Promise<number> {
  const release = onSignal === "stop" && run.isLive ? passSignals(run) : () => undefined;
  run.early?.release();
  try {
    const state = await draw(face, run, args, terminal);
    return state.outcome?.exitCode ?? (await exitCodeNow(run));
  } finally {
    release();
    run.close();
  }
}

async function draw(
  face: "headless" | "json" | "jsonl",
  run: AttachedRun,
  args: Arguments,
  terminal: Terminal,
): Promise<RunState> {
  if (face === "jsonl") return await showJsonl(run.events, terminal.stdout);
  if (face === "json") return await showJson(run.events, (line) => terminal.print(line));
  const state = await showHeadless(run.events, {
    stderr: terminal.stderr,
    isQuiet: args.flag("quiet"),
    isPlain: args.flag("plain"),
  });
  const connection = connectionOf(state);
  // The answer of a recovery: what psql takes.
  if (connection !== null && state.outcome?.exitCode === 0) terminal.print(connection);
  return state;
}

function passSignals(run: AttachedRun): () => void {
  const pass = (signal: NodeJS.Signals): void => {
    if (signal === "SIGINT" || signal === "SIGTERM") void run.interrupt(signal).catch(() => undefined);
  };
  process.on("SIGINT", pass).on("SIGTERM", pass);
  // Not awaited: the reply comes among the events, which nobody reads yet.
  const signal = run.early?.caught();
  run.early?.release();
  if (signal != null) pass(signal);
  return () => void process.off("SIGINT", pass).off("SIGTERM", pass);
}
