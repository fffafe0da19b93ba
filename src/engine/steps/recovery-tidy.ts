import { PgrescueError } from "../../domain/errors.ts";
import type { RecoveryInputs } from "../../domain/plan.ts";
import type { StepContext, StepKind } from "../step.ts";
import { originalAutoConf } from "./fenced-configuration.ts";
import { withoutLeftovers, withoutSettings } from "./leftovers.ts";
import { isInPlace, recoveryInputs, siteOf } from "./recovery-inputs.ts";
import { generatedHeader } from "./scratch-configuration.ts";
import { logged } from "./signals.ts";

/** Removes what recovery needed and what would bite later: targets, restore_command, the fence, the spool. Only after promotion. */
export const step: StepKind<Record<string, never>> = {
  name: "recovery.tidy",
  risk: "scratch",
  parse: () => ({}),
  describe(_p, raw) {
    const inputs = recoveryInputs(raw);
    const fence = isInPlace(inputs) ? ", the fence" : "";
    return { text: `take recovery settings${fence} and the spool out of ${inputs.dataDirectory}`, commands: [] };
  },
  async probe(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    const signal = await ctx.world.files.facts(`${inputs.dataDirectory}/recovery.signal`);
    const text = await ctx.world.files.read(autoConf(inputs));
    return signal === null && text === (await tidied(inputs, ctx)) ? "done" : "absent";
  },
  async *run(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    // PostgreSQL takes the signal away itself when it promotes.
    if ((await ctx.world.files.facts(`${inputs.dataDirectory}/recovery.signal`)) !== null) {
      throw new PgrescueError("precondition-refused", "recovery.signal is still there: recovery has not ended");
    }
    await ctx.world.files.write(autoConf(inputs), await tidied(inputs, ctx));
    await ctx.world.recoveryWal.finish(inputs.dataDirectory);
    yield logged(`${autoConf(inputs)} holds nothing of the recovery any more`);
  },
};

function autoConf(inputs: RecoveryInputs): string {
  return `${inputs.dataDirectory}/postgresql.auto.conf`;
}

async function tidied(inputs: RecoveryInputs, ctx: StepContext): Promise<string> {
  if (!isInPlace(inputs)) return `${generatedHeader} Recovery has ended.\n`;
  const before = withoutLeftovers((await ctx.world.files.read(originalAutoConf(ctx))) ?? "");
  const { port } = siteOf(inputs);
  if (port === undefined) return before;
  // Here, because it beats whatever the old configuration says, wherever that lies.
  const rest = withoutSettings(before, ["port"]).trimEnd();
  return `${rest}\n${generatedHeader} The port that was asked for.\n${ctx.world.postgres.formatSettings({ port: String(port) })}`;
}
