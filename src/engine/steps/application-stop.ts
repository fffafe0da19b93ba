import { PgrescueError } from "../../domain/errors.ts";
import type { RecoveryInputs } from "../../domain/plan.ts";
import type { StepContext, StepKind } from "../step.ts";
import { isOwnOrNone, withProductionSession } from "./production.ts";
import { hasRecorded } from "./recorded.ts";
import { recoveryInputs, siteOf } from "./recovery-inputs.ts";
import { logged, recorded } from "./signals.ts";

const name = "application-stopped";
/** Milliseconds that sessions get to end by themselves after the hook. */
const patience = 30_000;

/** A session of somebody else's. */
interface Session {
  readonly pid: number;
  readonly who: string;
}

/**
 * Runs the configured stop hook, proves by pg_stat_activity that nobody is connected, and ends what is left: whoever
 * still writes now would lose it. Where no server runs there is nobody.
 */
export const step: StepKind<Record<string, never>> = {
  name: "application.stop",
  risk: "production",
  parse: () => ({}),
  describe(_p, raw) {
    const { stopApplication } = siteOf(recoveryInputs(raw));
    const text =
      stopApplication === undefined
        ? "no hook is configured: sessions are ended"
        : "stop the application; sessions that stay are ended";
    return { text, commands: stopApplication === undefined ? [] : [stopApplication] };
  },
  async probe(_p, ctx) {
    if (hasRecorded(ctx, name) === "done") return "done";
    const inputs = recoveryInputs(ctx.inputs);
    // Nothing to run and nobody to send away: nothing that anybody would have to confirm.
    const isIdle = siteOf(inputs).stopApplication === undefined && (await isOwnOrNone(inputs, ctx));
    return isIdle ? "done" : "absent";
  },
  async *run(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    const { stopApplication } = siteOf(inputs);
    if (stopApplication !== undefined) await ctx.command(stopApplication, { signal: ctx.signal });
    else
      yield logged(
        "no hooks.stopApplication is configured: stop the application by hand, it will reconnect otherwise",
        "warn",
      );
    if (await isOwnOrNone(inputs, ctx)) {
      yield logged("no server runs, so nobody is connected");
      yield recorded(name, { sessions: 0, ended: 0 });
      return;
    }
    const deadline = ctx.world.clock.monotonic() + (stopApplication === undefined ? 0 : patience);
    let left = await sessions(inputs, ctx);
    while (left.length > 0 && ctx.world.clock.monotonic() < deadline) {
      yield {
        signal: "progress",
        done: 0,
        total: left.length,
        unit: "checks",
        doing: `waiting for ${left.length} sessions to end`,
      };
      await ctx.world.clock.sleep(500, ctx.signal);
      left = await sessions(inputs, ctx);
    }
    for (const { who } of left.slice(0, 20)) yield logged(`ending the session of ${who}`, "warn");
    if (left.length > 0) await end(left, inputs, ctx);
    const still = await sessions(inputs, ctx);
    if (still.length > 0)
      yield logged(`${still.length} sessions came back; stopping the server ends them for good`, "warn");
    yield recorded(name, { sessions: still.length, ended: left.length });
  },
};

function sessions(inputs: RecoveryInputs, ctx: StepContext): Promise<readonly Session[]> {
  return withProductionSession(inputs, ctx, async (sql) => {
    const rows = await sql.query<{ pid: number; who: string }>(
      `select pid, format('%s@%s %s from %s, %s', usename, datname, application_name, coalesce(client_addr::text, 'socket'), state) as who
       from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() order by pid`,
    );
    return rows;
  });
}

async function end(left: readonly Session[], inputs: RecoveryInputs, ctx: StepContext): Promise<void> {
  await withProductionSession(inputs, ctx, async (sql) => {
    for (const { pid } of left) await sql.query("select pg_terminate_backend($1)", [pid]);
    // A terminated backend needs a moment to roll back and leave.
    await ctx.world.clock.sleep(500, ctx.signal);
  }).catch((error: unknown) => {
    throw new PgrescueError("external-failure", "the remaining sessions could not be ended", {
      cause: error,
      next: "Stop the application, then continue.",
    });
  });
}
