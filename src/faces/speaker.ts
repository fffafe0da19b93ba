import { instantFromMilliseconds } from "../domain/instant.ts";
import { millisecondsAt, share, type ProgressState } from "../domain/run/progress.ts";
import type { RunEvent } from "../domain/run/events.ts";
import type { RunState } from "../domain/run/state.ts";
import { endingLines } from "./ending.ts";
import { amount, percent, timeLeft } from "./progress-words.ts";
import { stepName, storyLines } from "./story.ts";
import { visible } from "./untrusted.ts";

const apartMilliseconds = 10_000;

/** Says an event and the state after it; null: the events ended without an end of the run. */
export type Speaker = (event: RunEvent | null, state: RunState) => void;

export interface Manner {
  /** Only warnings, failures and an end that is not good. */
  readonly isQuiet: boolean;
  /** Lines begin with the event's time. */
  readonly hasTime: boolean;
  /** Progress speaks after this share, too, not only after 10 s; null: never sooner. */
  readonly apartShare: number | null;
}

/** Turns events into lines. Progress speaks when 10 s have passed since it last spoke, or as `manner` says. */
export function createSpeaker(write: (line: string) => void, manner: Manner): Speaker {
  const { isQuiet, hasTime, apartShare } = manner;
  const stamp = (event: RunEvent): string => (hasTime ? `${event.at.replace(/\.\d+Z$/, "Z")} ` : "");
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
        spoken?.step !== now.step ||
        now.at - spoken.at >= apartMilliseconds ||
        (apartShare !== null && now.share - spoken.share >= apartShare);
      if (!isDue) return;
      spoken = now;
      write(`${stamp(event)}${progressLine(progress, state)}`);
      return;
    }
    if (isQuiet && !isTrouble(event)) return;
    for (const line of storyLines(event, isQuiet ? toldQuietly(state) : state)) write(`${stamp(event)}${line}`);
    if (event.event === "asked") write(`${stamp(event)}To answer without a terminal: ${visible(event.question.flag)}`);
  };
}

/** `Step 4 of 12, replay WAL: 61 %, 84 of 137 segments, about 1m50 at the measured 410 MB/s, by 03:52, fetching`. */
function progressLine(progress: ProgressState, state: RunState): string {
  const now = instantFromMilliseconds(progress.tickedAt);
  const left = timeLeft(progress, now, "utc").replace("≈", "about");
  const parts = [percent(progress), amount(progress), left, visible(progress.doing)];
  const said = parts.filter((part) => part !== "").join(", ");
  return `${stepName(progress.step, state)}: ${said}`;
}

/** The state without what was skipped or is unknown, where the run ended well all the same. */
function toldQuietly(state: RunState): RunState {
  if (state.outcome?.exitCode !== 0) return state;
  return {
    ...state,
    verdicts: state.verdicts.filter(({ verdict }) => verdict.result !== "skip" && verdict.result !== "unknown"),
  };
}

function isTrouble(event: RunEvent): boolean {
  if (event.event === "ended") return event.outcome.result !== "done";
  if (event.event === "step-finished") return event.result === "failed";
  if (event.event === "command-finished") return event.exit !== 0;
  // What was skipped or is unknown is said at the end, where that is not good.
  if (event.event === "verdict") return event.verdict.result === "warn" || event.verdict.result === "fail";
  if (event.event === "log") return event.level === "warn";
  return event.event === "asked" || event.event === "repaired";
}
