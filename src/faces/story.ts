import { formatDuration } from "../domain/quantity.ts";
import type { RunEvent } from "../domain/run/events.ts";
import type { RunState } from "../domain/run/state.ts";
import { endingLines } from "./ending.ts";
import { findingWord } from "./marks.ts";
import { visible } from "./untrusted.ts";

/**
 * What an event says in whole lines, for faces that only add lines. `state` is the state after it. Progress says
 * nothing here: how often it may speak is the face's business.
 */
export function storyLines(event: RunEvent, state: RunState): readonly string[] {
  switch (event.event) {
    case "opened":
      return [
        `${event.run}: ${event.kind} of ${visible(event.cluster)}, runbook ${event.runbook.id} ${event.runbook.version}.`,
      ];
    case "planned":
      return [`${event.steps.length} steps, ${dangers(state)} of them change production.`];
    case "started":
      return event.attempt === 1 ? [] : [`Continued, attempt ${event.attempt}.`];
    case "step-started":
      return [`${stepName(event.step, state)}${event.found === "partial" ? " (goes on with what is there)" : ""}.`];
    case "step-finished":
      return [finishedLine(event, state)];
    case "undo-started":
      return [`Taking back: ${stepName(event.step, state)}.`];
    case "step-undone":
      return [`Taken back: ${stepName(event.step, state)}.`];
    case "command-started":
      return [`Runs: ${visible(event.argv.map(quoted).join(" "))}`];
    case "command-finished":
      return event.exit === 0
        ? []
        : [
            `Ended with ${event.signal ?? `exit code ${String(event.exit)}`}: ${visible(event.argv[0] ?? "")}`,
            ...(event.tail ?? []).map((line) => `  ${visible(line)}`),
          ];
    case "recorded":
      return [];
    case "verdict":
      return [
        `${findingWord(event.verdict.result)}: ${visible(event.verdict.title)}: ${visible(event.verdict.evidence)}`,
        ...(event.verdict.mend === undefined ? [] : [`  ${visible(event.verdict.mend)}`]),
      ];
    case "log":
      return [`${event.level === "warn" ? "WARN: " : ""}${visible(event.text)}`];
    case "asked":
      return [`Asks: ${visible(event.question.title)}`];
    case "answered":
      return [
        `Answered by ${visible(event.by.user)}@${visible(event.by.host)}: ${visible(event.value) || "(declined)"}`,
      ];
    case "note":
      return [`Note by ${visible(event.by.user)}: ${visible(event.text)}`];
    case "pause-requested":
      return ["Will pause before the next step."];
    case "abort-requested":
      return ["Will stop; nothing that was made is removed."];
    case "repaired":
      return [`WARN: ${visible(event.found)}`];
    case "progress":
      return [];
    case "ended":
      return endingLines(state);
    default:
      return [];
  }
}

/** `Step 4 of 12, replay WAL`. */
export function stepName(id: string, state: RunState): string {
  const index = state.steps.findIndex((s) => s.plan.id === id);
  const title = state.steps[index]?.plan.title ?? id;
  return index === -1 ? visible(title) : `Step ${index + 1} of ${state.steps.length}, ${visible(title)}`;
}

/** An argument as it would be typed into a shell. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

function finishedLine(event: Extract<RunEvent, { event: "step-finished" }>, state: RunState): string {
  const name = stepName(event.step, state);
  const reason = event.reason === undefined ? "" : `: ${visible(event.reason)}`;
  if (event.result === "done") return `OK: ${name}, ${formatDuration(event.milliseconds / 1000)}.`;
  if (event.result === "already-done") return `OK: ${name}, was done already.`;
  return `${event.result === "skipped" ? "SKIPPED" : "FAIL"}: ${name}${reason}.`;
}

function dangers(state: RunState): number {
  return state.steps.filter((s) => s.plan.risk === "production" || s.plan.risk === "irreversible").length;
}
