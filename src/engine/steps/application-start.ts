import type { StepKind } from "../step.ts";
import { hasRecorded } from "./recorded.ts";
import { recoveryInputs, siteOf } from "./recovery-inputs.ts";
import { judged, logged, recorded, verdict } from "./signals.ts";

const name = "application-started";

/** Runs the configured start hook: the last step of all, when everything behind it holds. */
export const step: StepKind<Record<string, never>> = {
  name: "application.start",
  risk: "production",
  parse: () => ({}),
  describe(_p, raw) {
    const { startApplication } = siteOf(recoveryInputs(raw));
    const text =
      startApplication === undefined ? "no hook is configured: start the application by hand" : "start the application";
    return { text, commands: startApplication === undefined ? [] : [startApplication] };
  },
  async probe(_p, ctx) {
    return hasRecorded(ctx, name);
  },
  async *run(_p, ctx) {
    const { startApplication } = siteOf(recoveryInputs(ctx.inputs));
    if (startApplication === undefined) {
      yield judged(
        verdict(name, "application started", "skip", "no hooks.startApplication is configured", {
          mend: "Start the application by hand.",
        }),
      );
    } else {
      await ctx.command(startApplication, { signal: ctx.signal });
      yield logged("the application was started");
    }
    yield recorded(name, startApplication === undefined ? "by hand" : "hook");
  },
};
