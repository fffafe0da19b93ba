import { PgrescueError } from "../../domain/errors.ts";
import type { StepKind } from "../step.ts";
import { managerOf } from "./manager.ts";
import { ownMark } from "./own-mark.ts";
import { isOwnOrNone } from "./production.ts";
import { recoveryInputs } from "./recovery-inputs.ts";
import { logged } from "./signals.ts";
import { startProduction } from "./start-production.ts";

/** Milliseconds that a shutdown may take beyond the command's own word. */
const patience = 120_000;

/**
 * Stops production's server through what manages it, so that nothing starts it again behind our back. A reboot may all
 * the same; the server that runs where this run has restored is not the one that had to be stopped.
 */
export const step: StepKind<Record<string, never>> = {
  name: "server.stop",
  risk: "production",
  volatile: true,
  parse: () => ({}),
  describe(_p, raw) {
    return { text: `stop the server on ${recoveryInputs(raw).dataDirectory} through what manages it`, commands: [] };
  },
  async probe(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    if (await isOwnOrNone(inputs, ctx)) return "done";
    return (await ownMark(inputs.dataDirectory, ctx)) === "this-run" ? "done" : "absent";
  },
  async *run(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    const { clock } = ctx.world;
    const manager = await managerOf(inputs, ctx);
    yield logged(`managed by ${manager.kind}`);
    yield { signal: "progress", done: 0, total: null, unit: "checks", doing: "stopping the server" };
    await ctx.command(manager.stop);
    const deadline = clock.monotonic() + patience;
    while (!(await isOwnOrNone(inputs, ctx))) {
      if (clock.monotonic() > deadline) {
        throw new PgrescueError(
          "external-failure",
          `the server on ${inputs.dataDirectory} still runs after ${manager.stop.join(" ")}`,
        );
      }
      await clock.sleep(250, ctx.signal);
    }
  },
  async *undo(_p, ctx) {
    yield* startProduction(recoveryInputs(ctx.inputs), ctx);
  },
};
