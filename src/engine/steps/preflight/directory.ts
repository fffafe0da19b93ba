import type { Verdict } from "../../../domain/verdict.ts";
import { isInPlace, majorOf } from "../recovery-inputs.ts";
import { ownMark, restoreIntent } from "../own-mark.ts";
import { verdict } from "../signals.ts";
import type { PreflightContext, PreflightQuestion } from "./ask.ts";

const elsewhere = "Give another directory with `--to`, or move what is there aside.";

/** Whether the directory may be written: missing, empty, ours, or in place the old cluster of the same system. */
export const directory: PreflightQuestion = {
  check: "preflight.directory",
  title: "target directory",
  async ask(context) {
    const answers = [await content(context)];
    const { target, ctx } = context;
    const room = await ctx.world.files.space(target.path);
    if (!room.writable) {
      answers.push(
        say(
          "fail",
          `${room.at} may not be written by us`,
          `Make ${target.path} for the user that PostgreSQL runs as: \`install -d -m 0700 -o postgres -g postgres ${target.path}\`.`,
        ),
      );
    }
    if (target.kind !== "missing" && target.mode !== null && (target.mode & 0o027) !== 0) {
      answers.push(
        say(
          "fail",
          `${target.path} has mode 0${target.mode.toString(8)}, PostgreSQL wants 0700 or 0750`,
          `Run \`chmod 0700 ${target.path}\`.`,
        ),
      );
    }
    return answers;
  },
};

async function content({ inputs, ctx, target }: PreflightContext): Promise<Verdict> {
  switch (target.kind) {
    case "missing":
      return say("pass", `${target.path} will be made`);
    case "empty":
      return say("pass", `${target.path} is empty`);
    case "unfinished-restore":
      return say("pass", `${target.path} holds an unfinished restore, which goes on if it is of the same point`);
    case "other-files":
      return say("fail", `${target.path} holds files that are no cluster`, elsewhere);
    case "cluster":
      break;
  }
  if ((await ownMark(target.path, ctx)) === "this-run" || (await restoreIntent(inputs, ctx)))
    return say("pass", `${target.path} was written by this run`);
  if (!isInPlace(inputs)) return say("fail", `${target.path} holds a cluster already`, elsewhere);
  if (target.major !== majorOf(inputs)) {
    return say(
      "fail",
      `${target.path} is of PostgreSQL ${target.major ?? "unknown"}, the point of ${majorOf(inputs)}`,
      "Check that this is the right host and the right cluster.",
    );
  }
  if (target.control === null)
    return say("warn", `${target.path} holds a cluster whose pg_control cannot be read; it is moved aside`);
  if (target.control.systemIdentifier !== inputs.systemIdentifier) {
    return say(
      "fail",
      `${target.path} is system ${target.control.systemIdentifier}, the point is of ${inputs.systemIdentifier}`,
      "This is another database system: check the host and the cluster.",
    );
  }
  return say("pass", `${target.path} holds the same system ${inputs.systemIdentifier}; it is moved aside, not deleted`);
}

function say(result: Verdict["result"], evidence: string, mend?: string): Verdict {
  return verdict("preflight.directory", directory.title, result, evidence, mend === undefined ? {} : { mend });
}
