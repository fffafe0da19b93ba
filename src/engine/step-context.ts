import { messageOf, PgrescueError } from "../domain/errors.ts";
import type { PlannedStep } from "../domain/plan.ts";
import { stepSeconds } from "../domain/step-seconds.ts";
import { Secret } from "../domain/secret.ts";
import type { CommandResult } from "../ports/shell.ts";
import type { QuestionDesk } from "./desk.ts";
import type { RunRecord } from "./record.ts";
import type { StepContext, StepSignal } from "./step.ts";
import type { World } from "./world.ts";

/** Lines of a command's output that its journal line keeps, and characters of each. */
const tailLines = 20;
const lineLength = 500;

/** What all steps of a run have in common. */
export interface RunSurroundings {
  readonly directory: string;
  readonly inputs: StepContext["inputs"];
  readonly world: World;
  readonly record: RunRecord;
  readonly desk: QuestionDesk;
}

/** The context in which one step probes, runs or is undone. */
export function contextOf(run: RunSurroundings, step: PlannedStep, signal: AbortSignal): StepContext {
  const { record, world } = run;
  return {
    run: record.state().run,
    directory: run.directory,
    inputs: run.inputs,
    get recorded() {
      return record.state().recorded;
    },
    times: () =>
      record
        .state()
        .steps.filter(({ status }) => status === "done" || status === "already-done" || status === "failed")
        .map((done) => ({ builtin: done.plan.builtin, seconds: stepSeconds(done) })),
    world,
    signal,
    ask: (question) => run.desk.ask(step.id, question),
    command: async (argv, options = {}) => {
      const { mayFail = false, ...rest } = options;
      await record.append({
        event: "command-started",
        step: step.id,
        argv,
        ...(options.as === undefined ? {} : { as: options.as.name }),
      });
      const began = world.clock.monotonic();
      let result: CommandResult;
      try {
        result = await world.shell.run(argv, rest);
      } catch (error) {
        const milliseconds = Math.round(world.clock.monotonic() - began);
        await record.append({
          event: "command-finished",
          step: step.id,
          argv,
          exit: null,
          milliseconds,
          tail: [messageOf(error)],
        });
        throw error;
      }
      const tail = tailOf(result, options.env);
      await record.append({
        event: "command-finished",
        step: step.id,
        argv,
        exit: result.exit,
        ...(result.signal === null ? {} : { signal: result.signal }),
        milliseconds: result.milliseconds,
        ...(tail.length === 0 ? {} : { tail }),
      });
      if (result.exit !== 0 && !mayFail) throw commandFailed(result, tail);
      return result;
    },
  };
}

/** Writes down what a running step says. */
export async function takeSignals(record: RunRecord, step: string, signals: AsyncIterable<StepSignal>): Promise<void> {
  for await (const said of signals) {
    const failure = record.failure();
    if (failure !== null) throw failure;
    switch (said.signal) {
      case "progress": {
        const { signal: _, ...progress } = said;
        record.tick({ event: "progress", step, ...progress });
        break;
      }
      case "recorded":
        await record.append({ event: "recorded", step, name: said.name, value: said.value });
        break;
      case "verdict":
        await record.append({ event: "verdict", step, verdict: said.verdict });
        break;
      case "log":
        await record.append({ event: "log", step, level: said.level, text: said.text });
        break;
    }
  }
}

function tailOf(
  result: CommandResult,
  env: { readonly [name: string]: string | Secret | undefined } | undefined,
): readonly string[] {
  const secrets = Object.values(env ?? {}).flatMap((value) =>
    value instanceof Secret && value.reveal() !== "" ? [value.reveal()] : [],
  );
  return `${result.stdout}\n${result.stderr}`
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-tailLines)
    .map((line) => secrets.reduce((text, secret) => text.replaceAll(secret, "[redacted]"), line).slice(0, lineLength));
}

function commandFailed(result: CommandResult, tail: readonly string[]): PgrescueError {
  const how = result.exit === null ? `was ended by ${result.signal ?? "a signal"}` : `exited with ${result.exit}`;
  const last = tail.at(-1);
  return new PgrescueError("external-failure", `${result.argv[0]} ${how}${last === undefined ? "" : `: ${last}`}`, {
    next: "The journal has the whole command and the end of its output; mend the cause and run `pgrescue continue`.",
  });
}
