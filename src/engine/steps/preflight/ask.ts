import type { RecoveryInputs } from "../../../domain/plan.ts";
import type { Verdict } from "../../../domain/verdict.ts";
import { messageOf, PgrescueError } from "../../../domain/errors.ts";
import type { DataDirectory } from "../../../ports/postgres.ts";
import type { StepContext } from "../../step.ts";

/** What a preflight question looks at. */
export interface PreflightContext {
  readonly inputs: RecoveryInputs;
  readonly ctx: StepContext;
  readonly target: DataDirectory;
}

/** One question before anything is written. */
export interface PreflightQuestion {
  readonly check: string;
  readonly title: string;
  ask(context: PreflightContext): Promise<readonly Verdict[]>;
}

/** The answers; what could not be asked is "unknown", never an exception. */
export async function answersTo(question: PreflightQuestion, context: PreflightContext): Promise<readonly Verdict[]> {
  try {
    return await question.ask(context);
  } catch (error) {
    context.ctx.signal.throwIfAborted();
    const { check, title } = question;
    const mend = error instanceof PgrescueError ? error.next : "Mend what the message names and continue.";
    return [{ check, title, result: "unknown", evidence: messageOf(error), mend }];
  }
}
