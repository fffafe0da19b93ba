import type { Json } from "../../domain/brand.ts";
import { PgrescueError } from "../../domain/errors.ts";
import type { DumpRestoreInputs } from "../../domain/plan.ts";
import type { DumpReader } from "../../ports/dump.ts";
import type { DumpRestoreRequest } from "../../ports/dump-restore.ts";
import { openFiles } from "../open-point.ts";
import type { StepContext } from "../step.ts";

export type DumpRestoreParameters = { readonly [name: string]: Json };

/** The steps take everything from the run's inputs. Throws `config` naming a parameter. */
export function parseDumpRestoreParameters(raw: DumpRestoreParameters): DumpRestoreParameters {
  const [name] = Object.keys(raw);
  if (name !== undefined) throw new PgrescueError("config", `a step of a dump's restore has no parameter ${name}`);
  return raw;
}

/** The run's inputs as what they are. Throws `config` where the run restores no dump. */
export function dumpRestoreInputs(inputs: { readonly [key: string]: Json }): DumpRestoreInputs {
  if (inputs["method"] !== "dump-to-new-database")
    throw new PgrescueError("config", "the run does not say which dump goes where");
  return inputs as unknown as DumpRestoreInputs;
}

/** What the restorer is asked. An archive that is needed as a file lies in the run's own directory unless another is named. */
export function dumpRestoreRequest(ctx: StepContext): DumpRestoreRequest {
  const { point, into, database, sourceDatabase, schemas, tables, jobs, staging, owners, privileges, binaries, swap } =
    dumpRestoreInputs(ctx.inputs);
  return {
    run: ctx.run,
    point,
    into,
    database,
    sourceDatabase,
    schemas,
    tables,
    jobs,
    staging: jobs > 1 ? (staging ?? ctx.directory) : null,
    owners,
    privileges,
    binaries,
    swap,
  };
}

/** Opens the dump of the run. Throws `no-recovery-point` where it is gone. */
export async function dumpOf(ctx: StepContext): Promise<DumpReader> {
  return findDump(ctx, dumpRestoreInputs(ctx.inputs));
}

/** Opens a dump by its place. Throws `no-recovery-point` where it is gone. */
export async function findDump(
  ctx: StepContext,
  { cluster, repository: name, point: id }: Pick<DumpRestoreInputs, "cluster" | "repository" | "point">,
): Promise<DumpReader> {
  const repository = await ctx.world.repository(name);
  for await (const point of repository.points({ cluster }))
    if (point.id === id && point.status === "ok") return openFiles(repository, point);
  throw new PgrescueError("no-recovery-point", `dump ${id} is not in ${name} any more`, {
    next: "Choose another one: `pgrescue points`.",
  });
}
