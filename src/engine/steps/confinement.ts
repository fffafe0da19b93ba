import type { RecoveryInputs } from "../../domain/plan.ts";
import type { StepContext } from "../step.ts";
import { PgrescueError } from "../../domain/errors.ts";
import { isInPlace, siteOf } from "./recovery-inputs.ts";

/** Whether `path` is `directory` or below it; both absolute and free of links. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith("/") ? directory : `${directory}/`);
}

/**
 * Why a restored directory must not be started: a tablespace link, pg_wal link or the directory itself that leads to
 * where this run did not write, above all into production's directories. Empty: nothing leads outside.
 */
async function escapes(inputs: RecoveryInputs, ctx: StepContext): Promise<readonly string[]> {
  const { files, postgres } = ctx.world;
  const found = await postgres.inspect(inputs.dataDirectory);
  const production = isInPlace(inputs)
    ? []
    : await Promise.all((siteOf(inputs).production ?? []).map((p) => files.resolve(p)));
  const wrong: string[] = [];
  const forbid = async (what: string, path: string): Promise<void> => {
    const real = await files.resolve(path);
    const owner = production.find((p) => isWithin(real, p) || isWithin(p, real));
    if (owner !== undefined) wrong.push(`${what} leads to ${real}, which is production's ${owner}`);
  };
  await forbid("the data directory", inputs.dataDirectory);
  for (const [oid, to] of Object.entries(found.tablespaceLinks)) {
    const expected = inputs.tablespaces[oid];
    if (expected === undefined) wrong.push(`pg_tblspc/${oid} leads to ${to}, and the plan has no such tablespace`);
    else if ((await files.resolve(to)) !== (await files.resolve(expected)))
      wrong.push(`pg_tblspc/${oid} leads to ${to} instead of ${expected}`);
    await forbid(`pg_tblspc/${oid}`, to);
  }
  for (const oid of Object.keys(inputs.tablespaces)) {
    if (found.kind === "cluster" && found.tablespaceLinks[oid] === undefined) wrong.push(`pg_tblspc/${oid} is missing`);
  }
  if (found.walLink !== null) {
    if (!isInPlace(inputs)) wrong.push(`pg_wal leads to ${found.walLink}`);
    await forbid("pg_wal", found.walLink);
  }
  return wrong;
}

/** Throws `precondition-refused` where `escapes` finds anything. */
export async function refuseEscapes(inputs: RecoveryInputs, ctx: StepContext): Promise<void> {
  const wrong = await escapes(inputs, ctx);
  if (wrong.length === 0) return;
  throw new PgrescueError("precondition-refused", `${inputs.dataDirectory} must not be started: ${wrong.join("; ")}`, {
    means: "A server started on it would write into files that are not its own; nothing was started.",
    next: "Restore again with every tablespace mapped to a directory of its own (`--tablespace OLD=NEW`).",
  });
}
