import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../../domain/errors.ts";
import type { Question } from "../../domain/question.ts";
import type { RunEvent } from "../../domain/run/events.ts";
import { reduce } from "../../domain/run/reduce.ts";
import { emptyRun } from "../../domain/run/state.ts";
import type { Terminal } from "../command.ts";
import type { AttachedRun } from "./attach-run.ts";
import type { Keyboard } from "./keyboard.ts";

/**
 * A run's events, passed on as they come; each question is put to the person at the terminal meanwhile. One that another
 * face answers first is taken back. A refused answer is said and asked again.
 */
export async function* askAlong(
  events: AsyncIterable<RunEvent>,
  run: AttachedRun,
  terminal: Terminal,
  keyboard: Keyboard,
  left: AbortSignal,
): AsyncGenerator<RunEvent> {
  let state = emptyRun;
  let openId: string | null = null;
  let asking = new AbortController();
  try {
    for await (const event of events) {
      yield event;
      state = reduce(state, event);
      const question = state.outcome === null && run.isLive ? (state.question?.question ?? null) : null;
      if ((question?.id ?? null) === openId) continue;
      asking.abort();
      asking = new AbortController();
      openId = question?.id ?? null;
      if (question !== null)
        void putQuestion(run, question, terminal, keyboard, AbortSignal.any([asking.signal, left]));
    }
  } finally {
    asking.abort();
  }
}

/** Milliseconds that a question must have been open: those of the past are answered among the same events. */
const settled = 100;

async function putQuestion(
  run: AttachedRun,
  question: Question,
  terminal: Terminal,
  keyboard: Keyboard,
  signal: AbortSignal,
): Promise<void> {
  await delay(settled);
  if (signal.aborted) return;
  terminal.log("");
  terminal.log(question.title);
  for (const { label, value } of question.about) terminal.log(`  ${`${label}:`.padEnd(10)} ${value}`);
  for (const choice of question.choices ?? []) terminal.log(`  ${choice.value}  ${choice.title}`);
  const hint = question.kind === "typed" ? `Type ${question.expected} to go on; Enter alone declines: ` : "Answer: ";
  while (!signal.aborted) {
    const line = await keyboard.line(hint, signal);
    // Ctrl-C is no answer: whoever pressed it is asked what was meant, and then the question stands again.
    if (line === null) continue;
    await run.answer(question.id, line).catch((error: unknown) => terminal.log(messageOf(error)));
  }
}
