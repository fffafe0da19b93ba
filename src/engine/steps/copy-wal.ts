import type { Repository } from "../../ports/repository.ts";
import type { StepContext, StepKind } from "../step.ts";
import { copyInputs, copyingOf, parseCopyParameters, pointsOf, type CopyParameters } from "./copy-parameters.ts";
import { logged, recorded } from "./signals.ts";

/** The recorded value that says where WAL was brought up to date: {"<repository>": files}. */
const copiedRecord = "copied-wal";

/** Brings the WAL of the other repositories up to date. */
export const step: StepKind<CopyParameters> = {
  name: "copy.wal",
  risk: "scratch",
  parse: parseCopyParameters,
  describe(_p, inputs) {
    const { from, to } = copyInputs(inputs);
    return { text: `copy all WAL that ${to.join(", ")} lacks from ${from}`, commands: [] };
  },
  async probe(_p, ctx) {
    return Promise.resolve(ctx.recorded[copiedRecord] === undefined ? "absent" : "done");
  },
  async *run(_p, ctx) {
    const { cluster, from, to } = copyInputs(ctx.inputs);
    const source = await ctx.world.repository(from);
    const systems = await systemsOf(ctx, source);
    const copied: Record<string, number> = {};
    for (const name of to) {
      copied[name] = 0;
      for (const systemIdentifier of systems) {
        let files = 0;
        const place = { cluster, systemIdentifier };
        for await (const progress of copyingOf(await ctx.world.repository(name)).wal(source, place, ctx.signal)) {
          files = progress.done;
          yield { signal: "progress", ...progress, doing: `${progress.doing} to ${name}` };
        }
        copied[name] += files;
      }
      yield logged(`${copied[name]} WAL files were missing in ${name}`);
    }
    yield recorded(copiedRecord, copied);
  },
};

/** Whose WAL the run copies: that of the systems that it names, or of the backup that it has taken. */
async function systemsOf(ctx: StepContext, source: Repository): Promise<readonly string[]> {
  const { systems } = ctx.inputs;
  if (Array.isArray(systems)) return systems.filter((system) => typeof system === "string");
  const { all } = await pointsOf(ctx, source);
  return [...new Set(all.filter((p) => p.kind !== "dump").map((p) => p.systemIdentifier))];
}
