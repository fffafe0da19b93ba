import type { StepKind } from "../step.ts";
import { copyInputs, copyingOf, parseCopyParameters, pointsOf, type CopyParameters } from "./copy-parameters.ts";
import { logged } from "./signals.ts";

/** Copies the chosen backups into each of the other repositories, oldest first. */
export const step: StepKind<CopyParameters> = {
  name: "copy.points",
  risk: "scratch",
  parse: parseCopyParameters,
  describe(_p, inputs) {
    const { from, to, points } = copyInputs(inputs);
    const what = points === null ? "the new backup" : points.length === 1 ? points[0] : `${points.length} points`;
    return {
      text: to.length === 0 ? "no other repository gets a copy" : `copy ${what} from ${from} to ${to.join(", ")}`,
      commands: [],
    };
  },
  async probe(_p, ctx) {
    for (const name of copyInputs(ctx.inputs).to)
      if ((await pointsOf(ctx, await ctx.world.repository(name))).missing.length > 0) return "absent";
    return "done";
  },
  async *run(_p, ctx) {
    const { from, to } = copyInputs(ctx.inputs);
    const source = await ctx.world.repository(from);
    for (const name of to) {
      const target = await ctx.world.repository(name);
      const { missing } = await pointsOf(ctx, target);
      for (const [at, point] of missing.entries()) {
        for await (const progress of copyingOf(target).point(source, point, ctx.signal))
          yield {
            signal: "progress",
            ...progress,
            doing: `${progress.doing} to ${name} (${at + 1} of ${missing.length})`,
          };
        yield logged(`${point.id} is in ${name}`);
      }
    }
  },
};
