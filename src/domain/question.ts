/** Something only a person can decide. Every face can ask it; headless names the flag that answers it. */
export interface Question {
  readonly id: string;
  readonly kind: "choice" | "typed" | "text";
  readonly title: string;
  /** What hangs on it; lines for the box of a dangerous question (label, value). */
  readonly about: readonly { readonly label: string; readonly value: string }[];
  /** For `choice`: what may be answered, the safe one first. */
  readonly choices?: readonly { readonly value: string; readonly title: string }[];
  /** For `typed`: the exact text that confirms; an empty answer declines. */
  readonly expected?: string;
  /** The command-line flag that answers it in advance, for headless runs: `--confirm shop@db1`. */
  readonly flag: string;
}
