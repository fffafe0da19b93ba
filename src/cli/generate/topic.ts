import type { Arguments, Terminal } from "../command.ts";

/** Something that `pgrescue generate` prints. */
export interface Topic {
  readonly summary: string;
  readonly examples: readonly string[];
  run(args: Arguments, terminal: Terminal): Promise<number>;
}
