import type { Question } from "../../domain/question.ts";
import { visible } from "../untrusted.ts";
import { chooseFrom, type Prompter } from "./prompter.ts";

/** Puts a run's question in whole lines and gives the answer; an empty typed one declines. Rejects with `Interrupted`. */
export async function putQuestion(question: Question, prompter: Prompter, signal: AbortSignal): Promise<string> {
  if (question.kind === "typed") prompter.say("DANGER. This changes production.");
  prompter.say(`What: ${visible(question.title)}`);
  for (const { label, value } of question.about)
    prompter.say(label === "" ? `  ${visible(value)}` : `${visible(label)}: ${visible(value)}`);
  if (question.kind === "text") return await prompter.ask("Answer:", signal);
  if (question.kind === "typed") return await typed(question.expected ?? "", prompter, signal);
  const items = (question.choices ?? []).map((c) => ({ title: visible(c.title), value: c.value }));
  for (;;) {
    const value = await chooseFrom(prompter, "Choose:", items, "The first one is the safe one.", signal);
    if (value !== null) return value;
  }
}

/** The exact text, or nothing; anything else is said and asked again. */
async function typed(expected: string, prompter: Prompter, signal: AbortSignal): Promise<string> {
  for (;;) {
    const text = await prompter.ask(`Type ${visible(expected)} to continue, or nothing to decline:`, signal);
    if (text === "" || text === expected) return text;
    prompter.say("That is not the same. Nothing was changed.");
  }
}
