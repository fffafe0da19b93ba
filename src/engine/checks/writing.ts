import { PgrescueError } from "../../domain/errors.ts";
import type { Repository } from "../../ports/repository.ts";
import type { Answer, Check } from "../check.ts";

/** Whether the repositories can be written to, tried with a small object of our own that is removed again. */
export const check: Check = {
  id: "writing",
  title: "Repositories can be written to",
  ask: async ({ repositories }) => {
    const findings: Answer[] = [];
    for (const { name, url, repository } of repositories) {
      if (repository?.probe === undefined) continue;
      findings.push({ name, ...(await tried(repository.probe.bind(repository), `${name} (${url})`)) });
    }
    return findings.length > 0 ? findings : { result: "skip", evidence: "no repository here is written to" };
  },
};

async function tried(probe: NonNullable<Repository["probe"]>, what: string): Promise<Answer> {
  try {
    const { createsOnce, mayDelete } = await probe();
    if (!createsOnce)
      return {
        result: "fail",
        evidence: `${what}: an object that is there is replaced when it shall only be created`,
        mend: "Two servers could overwrite each other's WAL there: use a store that honours If-None-Match, or a newer version of it.",
      };
    const rights = mayDelete ? "" : "; may not delete, so these credentials cannot be used to destroy backups";
    return { result: "pass", evidence: `${what}: written, created only once, read back${rights}` };
  } catch (error) {
    if (!(error instanceof PgrescueError)) throw error;
    return { result: "fail", evidence: `${what}: ${error.message}`, mend: error.next };
  }
}
