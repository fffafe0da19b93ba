import type { Instant } from "../../domain/instant.ts";
import type { Question } from "../../domain/question.ts";
import { answerLine } from "../command-lines.ts";
import type { Model } from "./model.ts";
import { moved, step, type Screen } from "./screen.ts";

export interface QuestionState {
  /** The question that text and time belong to. */
  readonly id: string | null;
  readonly text: string;
  readonly openedAt: Instant | null;
  /** Sent; the runner has not said yet that it took it. */
  readonly isSent: boolean;
}

export const initialQuestion: QuestionState = { id: null, text: "", openedAt: null, isSent: false };

/** Enter does nothing for this long after the question came up: the key may have been meant for something else. */
const enterGuardMicroseconds = 1_000_000n;

/** The open question of the shown run; null where there is none. */
export function openQuestion(model: Model): Question | null {
  return model.run?.state.question?.question ?? null;
}

/** Why Enter does not answer now; null: it does. */
export function answerRefusal(model: Model): string | null {
  const question = openQuestion(model);
  const { text, openedAt, isSent } = model.question;
  if (question === null) return "nothing is being asked";
  if (model.run?.isLive !== true) return "no runner is there to take the answer";
  if (isSent) return "the answer was sent";
  if (openedAt === null || model.now - openedAt < enterGuardMicroseconds)
    return "Enter waits a second after the question came up";
  if (question.kind === "typed" && text !== question.expected)
    return text === "" ? "type the text exactly" : "the text is not the same";
  return question.kind === "text" && text === "" ? "type an answer first" : null;
}

function valueOf(model: Model, question: Question): string {
  return question.kind === "choice" ? (question.choices?.[model.cursor]?.value ?? "") : model.question.text;
}

export const question: Screen = {
  name: "question",
  title: "3 Execute: your decision",
  phase: "execute",
  type: (model, typed) => {
    if (openQuestion(model)?.kind === "choice") return null;
    const { text } = model.question;
    const next = typed === "" ? text.slice(0, -1) : (text + typed).slice(0, 500);
    return step(model, { question: { ...model.question, text: next } });
  },
  bindings: [
    {
      keys: ["up", "down"],
      hint: "move",
      help: "move between the answers",
      group: "moving",
      isInFooter: false,
      act: (model, key) => moved(model, key === "up" ? -1 : 1, openQuestion(model)?.choices?.length ?? 1),
    },
    {
      keys: ["enter"],
      hint: "answer",
      help: "give the answer",
      group: "here",
      isInFooter: true,
      blocked: answerRefusal,
      act: (model) => {
        const asked = openQuestion(model);
        if (asked === null) return step(model, {});
        return step(
          model,
          { question: { ...model.question, isSent: true } },
          { do: "answer", question: asked.id, value: valueOf(model, asked) },
        );
      },
    },
    {
      keys: ["tab"],
      hint: "copy command",
      help: "copy the scripted answer",
      group: "here",
      isInFooter: true,
      act: (model) => step(model, {}, { do: "copy", text: question.command(model) }),
    },
  ],
  command: (model) => {
    const asked = openQuestion(model);
    const run = model.run?.id ?? "";
    return (asked === null ? null : answerLine(run, asked)) ?? `pgrescue attach ${run}`;
  },
  why: (model) => {
    const step = model.run?.state.steps.find((s) => s.plan.id === model.run?.state.question?.step);
    if (step === undefined) return [];
    return [step.plan.why, ...(step.plan.trap === undefined ? [] : [`Trap: ${step.plan.trap}`])];
  },
};
