import type { Verdict } from "../../../domain/verdict.ts";
import { isWithin } from "../confinement.ts";
import { isInPlace, siteOf } from "../recovery-inputs.ts";
import { openPoint } from "../restore-files.ts";
import { verdict } from "../signals.ts";
import type { PreflightContext, PreflightQuestion } from "./ask.ts";

const mend = "Map every tablespace to a directory of its own: `--tablespace OLD=NEW`.";

/** Whether every tablespace has a place, and none of a scratch server's is, contains or lies in one of production's. */
export const tablespaces: PreflightQuestion = {
  check: "preflight.tablespaces",
  title: "tablespaces",
  async ask(context) {
    const { inputs, ctx } = context;
    const { point } = await openPoint(inputs, ctx);
    const wrong: string[] = [];
    const places = [inputs.dataDirectory, ...Object.values(inputs.tablespaces)];
    for (const { oid, name } of point.tablespaces) {
      if (inputs.tablespaces[String(oid)] === undefined) wrong.push(`${name} has no place`);
    }
    if (new Set(places).size !== places.length) wrong.push("two of them go to the same place");
    for (const place of places) {
      const owner = await productionAt(
        place,
        context,
        point.tablespaces.map((t) => t.location),
      );
      if (owner !== null) wrong.push(`${place} is, contains or lies in production's ${owner}`);
    }
    const answer = (result: Verdict["result"], evidence: string): Verdict =>
      verdict("preflight.tablespaces", this.title, result, evidence, result === "fail" ? { mend } : {});
    if (wrong.length > 0) return wrong.map((evidence) => answer("fail", evidence));
    const count = point.tablespaces.length;
    return [answer("pass", count === 0 ? "the point has none" : `${count}, each in a place of its own`)];
  },
};

async function productionAt(
  place: string,
  { inputs, ctx }: PreflightContext,
  locations: readonly string[],
): Promise<string | null> {
  if (isInPlace(inputs)) return null;
  const real = await ctx.world.files.resolve(place);
  for (const path of [...(siteOf(inputs).production ?? []), ...locations]) {
    // Where the point's tablespaces were is production's place only if something is there.
    if ((await ctx.world.files.facts(path)) === null) continue;
    const theirs = await ctx.world.files.resolve(path);
    if (isWithin(real, theirs) || isWithin(theirs, real)) return theirs;
  }
  return null;
}
