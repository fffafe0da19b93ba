import { millisecondsAt, share, type ProgressState } from "../../domain/run/progress.ts";
import type { RunEvent } from "../../domain/run/events.ts";
import type { RunState } from "../../domain/run/state.ts";
import { endingLines } from "../ending.ts";
import { amount, percent, rate } from "../progress-words.ts";
import { stepName, storyLines } from "../story.ts";
import { visible } from "../untrusted.ts";

const apartMilliseconds = 10_000;
const apartShare = 0.05;

/** Says an event and the state after it; null: the events ended without an end of the run. */
export type Speaker = (event: RunEvent | null, state: RunState) => void;

/**
 * Turns events into lines that begin with their time. Progress speaks when 10 s have passed or 5 % were done since it
 * last spoke, whichever comes first. When quiet, only warnings, failures and an end that is not good are said.
 */
export function createSpeaker(write: (line: string) => void, isQuiet: boolean): Speaker {
  let spoken: { readonly step: string; readonly at: number; readonly share: number } | null = null;
  return (event, state) => {
    if (event === null) {
      endingLines(state).forEach(write);
      return;
    }
    if (event.event === "progress") {
      const { progress } = state;
      if (isQuiet || progress === null) return;
      const now = { step: event.step, at: millisecondsAt(event.at), share: share(progress) ?? 0 };
      const isDue =
        spoken?.step !== now.step || now.at - spoken.at >= apartMilliseconds || now.share - spoken.share >= apartShare;
      if (!isDue) return;
      spoken = now;
      write(`${stamp(event)} ${progressLine(progress, state)}`);
      return;
    }
    if (isQuiet && !isTrouble(event)) return;
    for (const line of storyLines(event, state)) write(`${stamp(event)} ${line}`);
    if (event.event === "asked") write(`${stamp(event)} To answer without a terminal: ${visible(event.question.flag)}`);
  };
}

/** `Step 4 of 12, replay WAL: 61 %, 84 of 137 segments, 410 MB/s`. */
export function progressLine(progress: ProgressState, state: RunState): string {
  const parts = [percent(progress), amount(progress), rate(progress) ?? "", visible(progress.doing)].filter(
    (part) => part !== "",
  );
  return `${stepName(progress.step, state)}: ${parts.join(", ")}`;
}

function stamp(event: RunEvent): string {
  return event.at.replace(/\.\d+Z$/, "Z");
}

function isTrouble(event: RunEvent): boolean {
  if (event.event === "ended") return event.outcome.result !== "done";
  if (event.event === "step-finished") return event.result === "failed";
  if (event.event === "command-finished") return event.exit !== 0;
  if (event.event === "verdict") return event.verdict.result !== "pass";
  if (event.event === "log") return event.level === "warn";
  return event.event === "asked" || event.event === "repaired";
}
