import { messageOf, PgrescueError } from "../../domain/errors.ts";
import type { RecoveryInputs } from "../../domain/plan.ts";
import type { StepContext, StepSignal } from "../step.ts";
import { managerOf } from "./manager.ts";
import { withProductionSession } from "./production.ts";
import { logged } from "./signals.ts";

/** Milliseconds in which a started server must take sessions. */
const patience = 300_000;

/** Starts production's server through what manages it and waits until it takes sessions and writes. */
export async function* startProduction(inputs: RecoveryInputs, ctx: StepContext): AsyncGenerator<StepSignal> {
  const { clock } = ctx.world;
  const manager = await managerOf(inputs, ctx);
  await ctx.command(manager.start);
  const deadline = clock.monotonic() + patience;
  let last = "";
  for (;;) {
    const ready = await withProductionSession(inputs, ctx, async (sql) => {
      const [row] = await sql.query<{ recovering: boolean }>("select pg_is_in_recovery() as recovering");
      last = "it is still in recovery";
      return row?.recovering === false;
    }).catch((error: unknown) => {
      last = messageOf(error);
      return false;
    });
    if (ready) break;
    if (clock.monotonic() > deadline)
      throw new PgrescueError("external-failure", `the server does not take sessions: ${last}`);
    yield { signal: "progress", done: 0, total: null, unit: "checks", doing: `waiting for the server: ${last}` };
    await clock.sleep(500, ctx.signal);
  }
  yield logged(`the server on ${inputs.dataDirectory} is up, started by ${manager.kind}`);
}
