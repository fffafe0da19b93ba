import { commandLine } from "../domain/command-line.ts";
import type { Json } from "../domain/brand.ts";
import type { PlannedStep } from "../domain/plan.ts";
import type { Question } from "../domain/question.ts";

/** The typed confirmation of a step that changes production. Nothing is prefilled; Enter alone declines. */
export function confirmation(step: PlannedStep, expected: string, describe: string, where: string | null): Question {
  return {
    id: `confirm:${step.id}`,
    kind: "typed",
    title: step.title,
    about: [
      { label: "What", value: describe },
      ...(where === null ? [] : [{ label: "Where", value: where }]),
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

/** Which server a run works on, to be compared with the page and not with memory; null where its inputs do not say. */
export function whereOf(expected: string, inputs: { readonly [name: string]: Json }): string | null {
  const { systemIdentifier, dataDirectory, port } = inputs;
  if (typeof systemIdentifier !== "string" || typeof dataDirectory !== "string") return null;
  return `${expected}${typeof port === "number" ? `:${port}` : ""}  ${dataDirectory}  system id ${systemIdentifier}`;
}
