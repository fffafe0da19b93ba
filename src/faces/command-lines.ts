import type { Question } from "../domain/question.ts";
import type { Choice, TargetText } from "./console-views.ts";
import { quoted } from "./story.ts";

const flags = {
  time: "--target-time",
  xid: "--target-xid",
  "before-xid": "--target-before-xid",
  lsn: "--target-lsn",
  name: "--target-name",
  latest: "--latest",
  immediate: "--immediate",
} as const satisfies Record<TargetText["kind"], string>;

/** The arguments that ask for this target; without the text they show where it goes. */
export function targetArguments(request: TargetText): readonly string[] {
  const flag = flags[request.kind];
  const point = request.point === undefined ? [] : ["--point", request.point];
  if (request.kind === "latest" || request.kind === "immediate") return [flag, ...point];
  return [flag, request.text === "" ? "..." : request.text, ...point];
}

/** `pgrescue recover ...` for a choice. */
export function recoverLine(choice: Choice): string {
  return line(["recover", "--cluster", choice.cluster, ...choice.target.arguments, "--method", choice.method]);
}

/** The command that answers a question from a script; null where no flag answers it. */
export function answerLine(run: string, question: Question): string | null {
  return question.flag === "" ? null : `pgrescue continue ${run} ${question.flag}`;
}

/** Words as a command line of ours. */
export function line(words: readonly string[]): string {
  return ["pgrescue", ...words.map(quoted)].join(" ");
}
