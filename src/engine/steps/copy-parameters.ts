import type { Json } from "../../domain/brand.ts";
import { PgrescueError } from "../../domain/errors.ts";
import type { BackupInputs, CopyInputs } from "../../domain/plan.ts";
import type { RecoveryPoint } from "../../domain/recovery-point.ts";
import type { Copying, Repository } from "../../ports/repository.ts";
import type { StepContext } from "../step.ts";
import { backupRecord } from "./backup-base.ts";

export type CopyParameters = { readonly [name: string]: Json };

/** Copy steps have no parameters of their own. Throws `config` naming one. */
export function parseCopyParameters(raw: CopyParameters): CopyParameters {
  const [name] = Object.keys(raw);
  if (name !== undefined) throw new PgrescueError("config", `a copy step has no parameter ${name}`);
  return raw;
}

/** From where to where. */
export interface CopyPlaces extends Pick<CopyInputs, "cluster" | "from" | "to"> {
  /** Points by id; null: the one that this run has taken. */
  readonly points: readonly string[] | null;
}

/** What the run was opened with: a copy, or a backup that other repositories get, too. Throws `config` for any other. */
export function copyInputs(inputs: { readonly [key: string]: Json }): CopyPlaces {
  if (inputs["method"] === "copy") return inputs as unknown as CopyInputs;
  if (inputs["method"] === "backup" || inputs["method"] === "dump") {
    const { cluster, repository, copyTo } = inputs as unknown as BackupInputs;
    return { cluster, from: repository, to: copyTo ?? [], points: null };
  }
  throw new PgrescueError("config", "the run does not say what shall be copied");
}

/** The ids of the points that the run copies. Throws `bug` for a backup that is not taken yet. */
function idsOf(ctx: StepContext): readonly string[] {
  const { points } = copyInputs(ctx.inputs);
  if (points !== null) return points;
  const taken = ctx.recorded[backupRecord] as { readonly id?: Json } | undefined;
  const id = taken?.id;
  if (typeof id !== "string") throw new PgrescueError("bug", "there is no backup to copy yet");
  return [id];
}

/** The way into a repository. Throws `precondition-refused` where nothing is written. */
export function copyingOf(repository: Repository): Copying {
  if (repository.copying !== undefined) return repository.copying;
  throw new PgrescueError("precondition-refused", `nothing is written to repository ${repository.name}`, {
    next: "Copy into a repository of pgrescue's own format that is not configured read-only.",
  });
}

/** The points of this run that are still in the source, and those of them that a target does not offer yet. */
export async function pointsOf(
  ctx: StepContext,
  target: Repository,
): Promise<{ readonly all: readonly RecoveryPoint[]; readonly missing: readonly RecoveryPoint[] }> {
  const { cluster, from } = copyInputs(ctx.inputs);
  const points = idsOf(ctx);
  const all = (await listed(await ctx.world.repository(from), cluster)).filter((p) => points.includes(p.id));
  const there = new Set((await listed(target, cluster)).filter((p) => p.status === "ok").map((p) => p.id));
  return { all, missing: all.filter((p) => !there.has(p.id)) };
}

async function listed(repository: Repository, cluster: string): Promise<readonly RecoveryPoint[]> {
  const found: RecoveryPoint[] = [];
  for await (const point of repository.points({ cluster })) found.push(point);
  return found;
}
