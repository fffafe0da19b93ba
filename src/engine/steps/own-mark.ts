import type { RecoveryInputs } from "../../domain/plan.ts";
import type { StepContext } from "../step.ts";

/** Says in a data directory which run wrote it: what a probe looks for when it asks "is this ours?". */
export const ownMarkName = ".pgrescue-run";

/** Whose directory it is, by its mark. A backup of a recovered server carries the mark of the older run. */
export async function ownMark(dataDirectory: string, ctx: StepContext): Promise<"this-run" | "other-run" | "none"> {
  const text = await ctx.world.files.read(`${dataDirectory}/${ownMarkName}`);
  if (text === null) return "none";
  return text.split("\n")[0] === ctx.run ? "this-run" : "other-run";
}

/** Marks the directory as written by this run. */
export async function writeOwnMark(inputs: RecoveryInputs, ctx: StepContext): Promise<void> {
  await ctx.world.files.write(`${inputs.dataDirectory}/${ownMarkName}`, `${ctx.run}\n${inputs.point}\n`);
}

/**
 * Whether this run began to write the directory while it was empty. With "write" it says so first: everything in it is
 * then known to be ours even where the mark is not there yet.
 */
export async function restoreIntent(
  inputs: RecoveryInputs,
  ctx: StepContext,
  act: "look" | "write" = "look",
): Promise<boolean> {
  const file = `${ctx.directory}/restoring`;
  if (act === "write") await ctx.world.files.write(file, `${inputs.dataDirectory}\n`);
  return (await ctx.world.files.read(file)) === `${inputs.dataDirectory}\n`;
}
