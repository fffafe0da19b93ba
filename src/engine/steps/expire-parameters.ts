import type { Json } from "../../domain/brand.ts";
import { PgrescueError } from "../../domain/errors.ts";
import { instant } from "../../domain/instant.ts";
import type { ExpiryInputs } from "../../domain/plan.ts";
import type { Repository } from "../../ports/repository.ts";
import { judgeRepository, type RepositoryJudgement } from "../retention/judge-repository.ts";
import type { StepContext } from "../step.ts";

export type ExpiryParameters = { readonly [name: string]: Json };

/** The recorded value that names what the store refused to remove: {"<repository>/<point>": reason}. */
export const refusedRecord = "expiry-refused";

/** Expiry steps have no parameters of their own. Throws `config` naming one. */
export function parseExpiryParameters(raw: ExpiryParameters): ExpiryParameters {
  const [name] = Object.keys(raw);
  if (name !== undefined) throw new PgrescueError("config", `an expiry step has no parameter ${name}`);
  return raw;
}

/** What the run was opened with. Throws `config` where it is no expiry. */
export function expiryInputs(inputs: { readonly [key: string]: Json }): ExpiryInputs {
  if (inputs["method"] !== "expire") throw new PgrescueError("config", "the run does not say what shall expire");
  return inputs as unknown as ExpiryInputs;
}

/** Judges anew, from what lies in the repositories now: holds, new backups and earlier attempts count. */
export async function judgeNow(
  ctx: StepContext,
): Promise<readonly { readonly repository: Repository; readonly judgement: RepositoryJudgement }[]> {
  const { cluster, repositories, neighbours, policies, graceSeconds } = expiryInputs(ctx.inputs);
  const all = await Promise.all(neighbours.map((name) => openOrNull(ctx, name)));
  const judged = [];
  for (const [at, name] of repositories.entries()) {
    const policy = policies[at];
    if (policy === undefined) throw new PgrescueError("config", `there is no policy for repository ${name}`);
    const repository = await ctx.world.repository(name);
    const others = all.flatMap((other) => (other === null || other.name === repository.name ? [] : [other]));
    const covered = refusedIn(ctx, name);
    const judgement = await judgeRepository(repository, others, {
      cluster,
      policy,
      now: instant(ctx.world.clock.now()),
      graceSeconds,
      covered,
      unread: neighbours.filter((_, n) => all[n] === null),
    });
    judged.push({ repository, judgement });
  }
  return judged;
}

/** What an earlier step of this run could not remove from a repository, by point. */
function refusedIn(ctx: StepContext, repository: string): ReadonlyMap<string, string> {
  const all = (ctx.recorded[refusedRecord] ?? {}) as { readonly [place: string]: string };
  const prefix = `${repository}/`;
  return new Map(
    Object.entries(all).flatMap(([place, reason]) =>
      place.startsWith(prefix) ? [[place.slice(prefix.length), reason] as const] : [],
    ),
  );
}

async function openOrNull(ctx: StepContext, name: string): Promise<Repository | null> {
  try {
    return await ctx.world.repository(name);
  } catch (error) {
    if (error instanceof PgrescueError) return null;
    throw error;
  }
}
