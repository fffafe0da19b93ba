import type { Json } from "../domain/brand.ts";
import type { Question } from "../domain/question.ts";
import type { Risk } from "../domain/runbook.ts";
import type { Verdict } from "../domain/verdict.ts";
import type { Progress } from "../ports/progress.ts";
import type { CommandOptions, CommandResult } from "../ports/shell.ts";
import type { World } from "./world.ts";

/** What a step says of itself before it runs: dry run, confirmation, journal and printed runbook show it. */
export interface StepDescription {
  readonly text: string;
  /** The exact commands, where it runs any. */
  readonly commands: readonly (readonly string[])[];
}

/** What a step may yield while it runs, besides progress. */
export type StepSignal =
  | ({ readonly signal: "progress"; readonly lsn?: string; readonly time?: string } & Progress)
  | { readonly signal: "recorded"; readonly name: string; readonly value: Json }
  | { readonly signal: "verdict"; readonly verdict: Verdict }
  | { readonly signal: "log"; readonly level: "info" | "warn"; readonly text: string };

/** How long a step before this one worked; null where it was cut off and taken up again. */
export interface StepTime {
  readonly builtin: string;
  readonly seconds: number | null;
}

/** What a step works with. `inputs` is the run's plan (RecoveryInputs for recoveries, BackupInputs for backups). */
export interface StepContext {
  readonly run: string;
  /** The run's own directory (0700): small files a step wants to find again. */
  readonly directory: string;
  readonly inputs: { readonly [key: string]: Json };
  /** Values recorded by earlier steps, and by this one in an earlier attempt, by name. */
  readonly recorded: { readonly [name: string]: Json };
  /** The steps of the run that are finished, in order; what was skipped is left out. */
  times(): readonly StepTime[];
  readonly world: World;
  readonly signal: AbortSignal;
  /** Runs a command that changes something: journaled verbatim before and after. A failing exit throws `external-failure` unless `mayFail`. */
  command(argv: readonly string[], options?: CommandOptions & { readonly mayFail?: boolean }): Promise<CommandResult>;
  /** Asks the operator; resolves when any face, or an answer given in advance, answers. Throws `declined` for an empty typed answer. */
  ask(question: Question): Promise<string>;
}

/**
 * A kind of step: what runbooks name as `do: {builtin: ...}`. `probe` looks at the world, never at memory: that is how
 * a cut-off run goes on. `P` is what `parse` makes of the runbook's `with` after ${...} has been substituted.
 */
export interface StepKind<P = unknown> {
  readonly name: string;
  readonly risk: Risk;
  /**
   * Its effect may vanish without anybody undoing it (a started server after a reboot): a continued run probes it again
   * although the journal says that it is done.
   */
  readonly volatile?: boolean;
  /**
   * `run` may be stopped through ctx.signal at any moment and goes on where it was when it is called again: a pause stops
   * it at once. Other steps are finished before a run pauses; an abort reaches every step through ctx.signal.
   */
  readonly pausable?: boolean;
  /** Throws `config` naming the bad parameter. */
  parse(raw: { readonly [key: string]: Json }): P;
  describe(p: P, inputs: { readonly [key: string]: Json }): StepDescription;
  probe(p: P, ctx: StepContext): Promise<"absent" | "partial" | "done">;
  run(p: P, ctx: StepContext): AsyncIterable<StepSignal>;
  /** Takes the step's effect back. Its absence is said in the plan. */
  undo?(p: P, ctx: StepContext): AsyncIterable<StepSignal>;
}

export type StepRegistry = { readonly [name: string]: () => Promise<{ readonly step: StepKind }> };
