import { commandLine } from "../domain/command-line.ts";
import type { PlannedStep } from "../domain/plan.ts";
import type { Question } from "../domain/question.ts";

/** The typed confirmation of a step that changes production. Nothing is prefilled; Enter alone declines. */
export function confirmation(step: PlannedStep, expected: string, describe: string): Question {
  return {
    id: `confirm:${step.id}`,
    kind: "typed",
    title: step.title,
    about: [
      { label: "What", value: describe },
      { label: "Why", value: step.why },
      ...(step.trap === undefined ? [] : [{ label: "Careful", value: step.trap }]),
      { label: "Risk", value: step.risk },
      { label: "Undo", value: step.undo === "none" ? "none: this cannot be taken back" : step.undo },
      ...step.commands.map((argv) => ({ label: "Command", value: commandLine(argv) })),
    ],
    expected,
    flag: `--confirm ${expected}`,
  };
}
