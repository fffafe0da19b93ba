import { PgrescueError } from "../../domain/errors.ts";
import type { RecoveryInputs } from "../../domain/plan.ts";
import type { Sql } from "../../ports/sql.ts";
import type { StepContext } from "../step.ts";
import { isOwnBeforeMove, ownServer } from "./own-server.ts";
import { siteOf } from "./recovery-inputs.ts";

/** Whether no server of production's runs on the data directory: none at all, or the one that this run started. */
export async function isOwnOrNone(inputs: RecoveryInputs, ctx: StepContext): Promise<boolean> {
  const { postmaster } = await ctx.world.postgres.inspect(inputs.dataDirectory);
  if (postmaster === null || postmaster.socketDirectory === ownServer(inputs, ctx).socketDirectory) return true;
  return isOwnBeforeMove(postmaster.socketDirectory, inputs, ctx);
}

/** A session in production's server through its own socket, as the configured superuser; closed after `use`. */
export async function withProductionSession<T>(
  inputs: RecoveryInputs,
  ctx: StepContext,
  use: (sql: Sql) => Promise<T>,
): Promise<T> {
  const { postgres, sql } = ctx.world;
  const { superuser = "postgres", database = "postgres" } = siteOf(inputs);
  const target = postgres.connectionOf(await postgres.inspect(inputs.dataDirectory), superuser, database);
  if (target === null) throw new PgrescueError("external-failure", `no server answers on ${inputs.dataDirectory}`);
  const session = await sql.connect(target);
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}
