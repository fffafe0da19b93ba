/** How the plain mode speaks and listens: whole lines, one question at a time. */
export interface Prompter {
  say(line: string): void;
  /** Asks for one line. Rejects with `Interrupted` on Ctrl-C and when `signal` takes the question back. */
  ask(question: string, signal?: AbortSignal): Promise<string>;
  /** Calls back on Ctrl-C while nothing is being asked; the result takes that back. */
  onInterrupt(listener: () => void): () => void;
}

/** The question was not answered: Ctrl-C, the end of the input, or somebody else answered it. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

export interface MenuItem<T> {
  readonly title: string;
  readonly value: T;
}

/** A numbered menu. `?` says the help again; anything else that is no number is asked again. Empty: null. */
export async function chooseFrom<T>(
  prompter: Prompter,
  title: string,
  items: readonly MenuItem<T>[],
  help: string,
  signal?: AbortSignal,
): Promise<T | null> {
  prompter.say(title);
  items.forEach((item, i) => prompter.say(`  ${i + 1}. ${item.title}`));
  for (;;) {
    const text = (await prompter.ask("Type a number, ? for help, or nothing to go back:", signal)).trim();
    if (text === "") return null;
    const item = items[Number(text) - 1];
    if (item !== undefined) return item.value;
    prompter.say(text === "?" ? help : `${text} is not on the list.`);
  }
}
