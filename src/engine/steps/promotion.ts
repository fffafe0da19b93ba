import { formatInstant } from "../../domain/instant.ts";
import type { RecoveryInputs } from "../../domain/plan.ts";
import type { StepContext, StepSignal } from "../step.ts";
import { withOwnSession } from "./own-server-run.ts";
import { recordedNames } from "./recorded.ts";
import { recorded } from "./signals.ts";

/** What is recorded of a server that has ended recovery: when that was seen, and its new timeline. */
export async function promotion(inputs: RecoveryInputs, ctx: StepContext): Promise<StepSignal> {
  const timeline = await withOwnSession(inputs, ctx, async (sql) => {
    const [row] = await sql.query<{ name: string }>("select pg_walfile_name(pg_current_wal_lsn()) as name");
    return Number.parseInt((row?.name ?? "").slice(0, 8), 16);
  });
  return recorded(recordedNames.promoted, { at: formatInstant(ctx.world.clock.now()), timeline });
}
