import type { Json } from "../../domain/brand.ts";
import { PgrescueError } from "../../domain/errors.ts";
import type { DumpInputs } from "../../domain/plan.ts";
import type { RecoveryPoint } from "../../domain/recovery-point.ts";
import type { DumpRequest } from "../../ports/dump.ts";
import type { StepContext } from "../step.ts";

/** Steps of a dump take everything from the run's inputs; `full` reads every byte again. */
export type DumpParameters = { readonly [name: string]: Json };

/** Throws `config` for a parameter that there is none of. */
export function parseDumpParameters(raw: DumpParameters): DumpParameters {
  const bad = Object.keys(raw).find((name) => name !== "full");
  if (bad !== undefined) throw new PgrescueError("config", `a dump's step has no parameter ${bad}`);
  return raw;
}

/** The run's inputs as what they are. Throws `config` where the run is no dump. */
export function dumpInputs(inputs: { readonly [key: string]: Json }): DumpInputs {
  if (inputs["method"] !== "dump") throw new PgrescueError("config", "the run does not say what to dump");
  return inputs as unknown as DumpInputs;
}

/** What the dump taker is asked. */
export function dumpRequest(ctx: StepContext): DumpRequest {
  const { method: _method, copyTo: _copyTo, ...inputs } = dumpInputs(ctx.inputs);
  return { ...inputs, run: ctx.run };
}

/** The dump that this run, or another one for the same slot, has committed; null while there is none. */
export async function dumpOfRun(ctx: StepContext): Promise<RecoveryPoint | null> {
  const { cluster, repository, slot } = dumpInputs(ctx.inputs);
  for await (const point of (await ctx.world.repository(repository)).points({ cluster })) {
    if (point.kind !== "dump" || point.status === "incomplete") continue;
    if (point.run === ctx.run || (slot !== null && point.slot === slot && point.status === "ok")) return point;
  }
  return null;
}
