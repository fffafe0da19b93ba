import { DefaultRenderer, Listr, ListrLogger, ProcessOutput, type ListrTask } from "listr2";
import type { RunEvent } from "../../domain/run/events.ts";
import { reduce } from "../../domain/run/reduce.ts";
import { emptyRun, type RunState, type StepState } from "../../domain/run/state.ts";
import { endingLines, resultWord } from "../ending.ts";
import { amount, percent, rate } from "../progress-words.ts";
import { visible } from "../untrusted.ts";

/** Whether somebody at the terminal is looking: while `isBusy` nothing is drawn, once `hasLeft` nothing is said any more. */
export interface Attention {
  isBusy(): boolean;
  hasLeft(): boolean;
}

const always: Attention = { isBusy: () => false, hasLeft: () => false };

/**
 * Draws the state as a list of tasks on a terminal: listr2 runs nothing, each of its tasks waits until the state says how
 * the step ended. Redraws happen at listr2's own pace, whatever the number of events.
 */
export async function drawTasks(
  events: AsyncIterable<RunEvent>,
  stderr: NodeJS.WriteStream,
  attention: Attention = always,
): Promise<RunState> {
  let state = emptyRun;
  let hasEnded = false;
  let drawing: Promise<void> | null = null;
  const watchers = new Set<() => void>();
  const wake = (): void => {
    for (const watcher of watchers) watcher();
  };
  try {
    for await (const event of events) {
      state = reduce(state, event);
      if (drawing === null && state.steps.length > 0)
        drawing = draw(state.steps, stderr, () => ({ state, hasEnded }), watchers, attention);
      wake();
    }
  } finally {
    hasEnded = true;
    wake();
    await drawing;
  }
  if (!attention.hasLeft()) for (const line of endingLines(state)) stderr.write(`${line}\n`);
  return state;
}

/** listr2 looks at stdout to decide whether it may draw; we draw on stderr, and stdout is the answer's. */
function rendererFor(attention: Attention): typeof DefaultRenderer {
  return class extends DefaultRenderer {
    static override nonTTY = true;

    override update(): void {
      if (attention.isBusy()) this.keepFrame();
      else super.update();
    }

    override end(): void {
      if (attention.isBusy()) this.keepFrame();
      super.end();
    }

    override create(options?: Parameters<DefaultRenderer["create"]>[0]): string {
      return attention.hasLeft() ? "" : super.create(options);
    }

    /** Others write below the list now: what stands there stays, and the next frame is drawn below it. */
    private keepFrame(): void {
      (this["updater"] as { done(): void }).done();
    }
  };
}

interface Look {
  readonly state: RunState;
  readonly hasEnded: boolean;
}

async function draw(
  steps: readonly StepState[],
  stderr: NodeJS.WriteStream,
  look: () => Look,
  watchers: Set<() => void>,
  attention: Attention,
): Promise<void> {
  const tasks = steps.map((step): ListrTask => ({
    title: visible(step.plan.title),
    task: async (_context, task) => {
      const ended = await new Promise<StepState | null>((resolve) => {
        const watch = (): void => {
          const { state, hasEnded } = look();
          const now = state.steps.find((s) => s.plan.id === step.plan.id) ?? step;
          const output = outputOf(state, now);
          if (output !== "" && output !== task.output) task.output = output;
          if (!isSettled(now) && !hasEnded) return;
          watchers.delete(watch);
          resolve(isSettled(now) ? now : null);
        };
        watchers.add(watch);
        watch();
      });
      if (ended === null) task.skip(`${visible(step.plan.title)}: ${resultWord(look().state.outcome)}`);
      else if (ended.status === "failed")
        throw new Error(`${visible(step.plan.title)}: ${visible(ended.reason ?? "failed")}`);
      else if (ended.status === "skipped")
        task.skip(`${visible(step.plan.title)}: ${visible(ended.reason ?? "not needed")}`);
      else if (ended.status === "already-done") task.title = `${visible(step.plan.title)} (was done already)`;
    },
  }));
  const process = new ProcessOutput(stderr, stderr);
  await new Listr(tasks, {
    concurrent: false,
    exitOnError: false,
    registerSignalListeners: false,
    renderer: rendererFor(attention),
    rendererOptions: {
      logger: new ListrLogger({ processOutput: process, useIcons: true, toStderr: [] }),
      formatOutput: "truncate",
    },
  }).run();
}

function isSettled(step: StepState): boolean {
  return !["waiting", "running", "undoing"].includes(step.status) && step.status !== "cut-off";
}

function outputOf(state: RunState, step: StepState): string {
  if (state.question?.step === step.plan.id)
    return visible(`waits for an answer: ${state.question.question.title} (${state.question.question.flag})`);
  const { progress } = state;
  if (progress?.step === step.plan.id)
    return [percent(progress), amount(progress), rate(progress) ?? "", visible(progress.doing)]
      .filter((part) => part !== "")
      .join(", ");
  const last = state.log.at(-1);
  return step.status === "running" && last?.step === step.plan.id ? visible(last.text) : "";
}
