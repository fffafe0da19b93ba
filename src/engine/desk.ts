import { PgrescueError } from "../domain/errors.ts";
import type { Actor, JournalEvent } from "../domain/run/events.ts";
import type { RunLaunch } from "../domain/run/spec.ts";
import type { Question } from "../domain/question.ts";
import type { RunRecord } from "./record.ts";
import type { Stop } from "./stop.ts";

/** Whether an answer was taken; a refused one leaves the question open. */
export type AnswerReply = { readonly accepted: true } | { readonly accepted: false; readonly reason: string };

/** Where steps ask and faces answer. */
export interface QuestionDesk {
  /**
   * The answer: one given before a crash, one given in advance, or a face's. Throws `declined` for an empty typed or
   * text answer, `precondition-refused` naming the flag when nobody is there to ask, Stopped when the run stops meanwhile.
   */
  ask(step: string, question: Question): Promise<string>;
  /** A face's answer to the question that is open. */
  answer(question: string, value: string, by: Actor): Promise<AnswerReply>;
}

interface OpenQuestion {
  readonly question: Question;
  answered: boolean;
  readonly settle: (value: Promise<string>) => void;
}

/** A desk for one attempt. `history` gives the answers that a cut-off step had already received. */
export function createDesk(
  record: RunRecord,
  history: readonly JournalEvent[],
  launch: RunLaunch,
  stop: Stop,
): QuestionDesk {
  const earlier = unusedAnswers(history);
  let open: OpenQuestion | null = null;

  async function ask(step: string, question: Question): Promise<string> {
    const before = earlier.get(question.id);
    earlier.delete(question.id);
    if (before !== undefined && refusal(question, before) === null) return before;
    if (record.state().question?.question.id !== question.id) await record.append({ event: "asked", step, question });
    const given = givenAnswer(question, launch.answers);
    if (given !== null) {
      const wrong = refusal(question, given);
      if (wrong !== null)
        throw new PgrescueError("precondition-refused", wrong, { next: `Answer it with \`${question.flag}\`.` });
      await record.append({ event: "answered", question: question.id, value: given, by: launch.actor });
      return given;
    }
    if (!launch.interactive) {
      throw new PgrescueError("precondition-refused", `nobody is there to answer: ${question.title}`, {
        next: `Answer it in advance: \`pgrescue continue ${record.state().run} ${question.flag}\`.`,
      });
    }
    const value = await waitFor(question);
    if (value === "" && question.kind !== "choice") throw new PgrescueError("declined", `declined: ${question.title}`);
    return value;
  }

  async function waitFor(question: Question): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    open = { question, answered: false, settle: resolve };
    try {
      return await Promise.race([promise, stop.anyRequest]);
    } finally {
      open = null;
    }
  }

  async function answer(id: string, value: string, by: Actor): Promise<AnswerReply> {
    const waiting = open;
    if (waiting === null || waiting.question.id !== id || waiting.answered)
      return { accepted: false, reason: "this question is not open any more" };
    const declines = value === "" && waiting.question.kind !== "choice";
    const wrong = declines ? null : refusal(waiting.question, value);
    if (wrong !== null) return { accepted: false, reason: wrong };
    waiting.answered = true;
    const written = record.append({ event: "answered", question: id, value, by });
    waiting.settle(written.then(() => value));
    await written;
    return { accepted: true };
  }

  return { ask, answer };
}

/** Why an answer does not do; null when it does. */
function refusal(question: Question, value: string): string | null {
  if (question.kind === "typed" && value !== question.expected) return `"${value}" is not ${question.expected}`;
  if (question.kind === "choice" && question.choices?.some((choice) => choice.value === value) !== true) {
    return `"${value}" is none of ${question.choices?.map((choice) => choice.value).join(", ")}`;
  }
  return question.kind === "text" && value === "" ? "an answer is needed" : null;
}

/**
 * An answer from the command line: by the question's flag, or, for `--yes`, the choice `yes` where there is one. Typed
 * confirmations are never answered by `--yes`.
 */
function givenAnswer(question: Question, answers: RunLaunch["answers"]): string | null {
  const flag = /^--([a-z][a-z0-9-]*)/.exec(question.flag)?.[1];
  if (flag !== undefined && flag !== "yes" && Object.hasOwn(answers, flag)) return answers[flag] ?? null;
  if (!Object.hasOwn(answers, "yes") || question.kind !== "choice") return null;
  return question.choices?.some((choice) => choice.value === "yes") === true ? "yes" : null;
}

/**
 * Answers of steps that were cut off before they finished, by question: asked again they would come out the same.
 * Those of steps that failed or were declined are asked anew.
 */
function unusedAnswers(history: readonly JournalEvent[]): Map<string, string> {
  const askedBy = new Map<string, string>();
  const answers = new Map<string, string>();
  for (const event of history) {
    if (event.event === "asked") askedBy.set(event.question.id, event.step);
    else if (event.event === "answered" && event.value !== "") answers.set(event.question, event.value);
    else if (event.event === "step-finished" || event.event === "step-undone") {
      for (const [question, step] of askedBy) if (step === event.step) answers.delete(question);
    }
  }
  return answers;
}
