import type { Json } from "../../domain/brand.ts";
import { PgrescueError } from "../../domain/errors.ts";
import { parseLsn, type Lsn } from "../../domain/lsn.ts";
import type { RecoveryInputs, SiteInputs } from "../../domain/plan.ts";

/** The inputs of a recovery's run. Throws `bug` when the run was opened with others: they are written by the planner. */
export function recoveryInputs(inputs: { readonly [key: string]: Json }): RecoveryInputs {
  for (const name of ["method", "cluster", "point", "dataDirectory", "systemIdentifier", "repository"]) {
    if (typeof inputs[name] !== "string") throw new PgrescueError("bug", `the run has no input ${name}`);
  }
  return inputs as unknown as RecoveryInputs;
}

/** Whether production's own place is written, rather than a place of its own. */
export function isInPlace(inputs: RecoveryInputs): boolean {
  return inputs.method === "rewind-in-place";
}

/** PostgreSQL's major version, from server_version_num. */
export function majorOf(inputs: RecoveryInputs): number {
  return Math.floor(inputs.postgresVersion / 10_000);
}

/** What the configuration says of the cluster; nothing where there is none. */
export function siteOf(inputs: RecoveryInputs): SiteInputs {
  return inputs.site ?? {};
}

/** The repositories whose WAL is read, the point's own first, each once. */
export function repositoriesOf(inputs: RecoveryInputs): readonly string[] {
  return [...new Set([inputs.repository, ...(siteOf(inputs).repositories ?? [])])];
}

/** An LSN of the inputs. Throws `bug` for a text that is none. */
export function lsnOf(text: string): Lsn {
  const value = parseLsn(text);
  if (value === null) throw new PgrescueError("bug", `${text} in the run's inputs is no LSN`);
  return value;
}
