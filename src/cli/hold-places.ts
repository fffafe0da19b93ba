import type { Composition } from "../compose.ts";
import { PgrescueError } from "../domain/errors.ts";
import type { Repository } from "../ports/repository.ts";
import type { Arguments } from "./command.ts";
import type { Settings } from "./settings.ts";

/** The point that a hold is about; null: everything of the cluster. */
export function pointArgument(args: Arguments): string | null {
  const [word = ""] = args.positionals;
  return word === "everything" ? null : word;
}

/**
 * The cluster's repositories that can keep a hold, those with the point where one is named. Throws `no-recovery-point`
 * where none has it, `precondition-refused` where none can keep holds, and what opening throws.
 */
export async function openHoldPlaces(
  settings: Settings & { readonly clusterName: string },
  world: Composition,
  point: string | null,
): Promise<readonly Repository[]> {
  const able: Repository[] = [];
  for (const { name } of settings.repositories) {
    const repository = await world.repository(name);
    if (repository.keeping !== undefined) able.push(repository);
  }
  if (able.length === 0)
    throw new PgrescueError(
      "precondition-refused",
      `no repository of ${settings.clusterName} can keep a hold: they are read-only or of formats that pgrescue only reads`,
      { next: "Stop the other tool's expiry by its own means." },
    );
  if (point === null) return able;
  const places: Repository[] = [];
  for (const repository of able) if (await hasPoint(repository, settings.clusterName, point)) places.push(repository);
  if (places.length > 0) return places;
  throw new PgrescueError("no-recovery-point", `there is no point ${point}`);
}

async function hasPoint(repository: Repository, cluster: string, id: string): Promise<boolean> {
  for await (const point of repository.points({ cluster })) if (point.id === id) return true;
  return false;
}
