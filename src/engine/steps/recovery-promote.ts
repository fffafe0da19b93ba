import { PgrescueError } from "../../domain/errors.ts";
import type { StepKind } from "../step.ts";
import { ownServerRuns, recoveryState, withOwnSession } from "./own-server-run.ts";
import { promotion } from "./promotion.ts";
import { recoveryInputs } from "./recovery-inputs.ts";
import { logged } from "./signals.ts";

/** How long a promotion may take: it ends recovery and writes a checkpoint in the background. */
const patience = 600_000;

/** Ends recovery: the server takes writes, on a new timeline, and there is no way forward along the old one any more. */
export const step: StepKind<Record<string, never>> = {
  name: "recovery.promote",
  risk: "scratch",
  parse: () => ({}),
  describe(_p, raw) {
    const inputs = recoveryInputs(raw);
    return { text: `promote the server on ${inputs.dataDirectory}: select pg_promote()`, commands: [] };
  },
  async probe(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    if (!(await ownServerRuns(inputs, ctx))) return "absent";
    return (await withOwnSession(inputs, ctx, (sql) => recoveryState(sql, inputs))) === "promoted" ? "done" : "absent";
  },
  async *run(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    const { clock } = ctx.world;
    const deadline = clock.monotonic() + patience;
    await withOwnSession(inputs, ctx, (sql) => sql.query("select pg_promote(false)"));
    yield logged("select pg_promote(false)");
    for (;;) {
      const state = await withOwnSession(inputs, ctx, (sql) => recoveryState(sql, inputs));
      if (state === "promoted") break;
      if (clock.monotonic() > deadline) {
        throw new PgrescueError(
          "external-failure",
          "the server did not end recovery within ten minutes of pg_promote()",
        );
      }
      yield { signal: "progress", done: 0, total: null, unit: "checks", doing: "waiting for the end of recovery" };
      await clock.sleep(200, ctx.signal);
    }
    yield await promotion(inputs, ctx);
  },
};
