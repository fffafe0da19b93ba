import type { Composition } from "../compose.ts";
import { PgrescueError } from "../domain/errors.ts";
import type { Repository } from "../ports/repository.ts";
import type { Settings } from "./settings.ts";

/**
 * The repositories of a command, opened; throws `config` when there is none. One that cannot be opened, among others that
 * can, fails where it is asked: whoever looks through all of them says so and goes on with the rest.
 */
export async function openRepositories(settings: Settings, world: Composition): Promise<readonly Repository[]> {
  if (settings.repositories.length === 0)
    throw new PgrescueError("config", "no repository is known", {
      next: "Name one with --repository URL, or write a configuration with `pgrescue init`.",
    });
  const opened = await Promise.allSettled(settings.repositories.map(({ name }) => world.repository(name)));
  if (!opened.some(({ status }) => status === "fulfilled"))
    for (const result of opened) if (result.status === "rejected") throw result.reason;
  return opened.map((result, at) => {
    if (result.status === "fulfilled") return result.value;
    const { name = "", url = "" } = settings.repositories[at] ?? {};
    if (!(result.reason instanceof PgrescueError)) throw result.reason;
    return unreachable(name, url, result.reason);
  });
}

const unreachableFormat = "unreachable";

/** A repository that answers every question with why it could not be opened. */
function unreachable(name: string, url: string, reason: PgrescueError): Repository {
  const refuse = (): never => {
    throw reason;
  };
  return {
    name,
    url,
    format: unreachableFormat,
    readOnly: true,
    // oxlint-disable-next-line require-yield -- it has nothing to give: it fails when it is read
    systems: async function* systems() {
      await Promise.reject(reason);
    },
    // oxlint-disable-next-line require-yield -- the same
    points: async function* points() {
      await Promise.reject(reason);
    },
    wal: refuse,
    openBackup: async () => Promise.reject(reason),
    beginBackup: async () => Promise.reject(reason),
    recordRun: async () => Promise.reject(reason),
  };
}

/** The names of those that could be opened. */
export function reachableOf(repositories: readonly Repository[]): readonly string[] {
  return repositories.filter(({ format }) => format !== unreachableFormat).map(({ name }) => name);
}
