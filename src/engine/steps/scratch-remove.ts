import { PgrescueError } from "../../domain/errors.ts";
import type { RecoveryInputs } from "../../domain/plan.ts";
import type { StepContext, StepKind } from "../step.ts";
import { ownMark, ownMarkName } from "./own-mark.ts";
import { stopOwnServer } from "./own-server-run.ts";
import { ownServer } from "./own-server.ts";
import { recordedNames } from "./recorded.ts";
import { isInPlace, recoveryInputs } from "./recovery-inputs.ts";
import { logged, recorded } from "./signals.ts";

/** Stops the scratch server and removes what this run has restored; the directory's mark goes last, so that a cut-off removal goes on. */
export const step: StepKind<Record<string, never>> = {
  name: "scratch.remove",
  risk: "scratch",
  parse: () => ({}),
  describe(_p, raw) {
    const inputs = recoveryInputs(raw);
    const places = [inputs.dataDirectory, ...Object.values(inputs.tablespaces)];
    return { text: `stop the copy's server and remove what this run wrote to ${places.join(", ")}`, commands: [] };
  },
  async probe(_p, ctx) {
    return (await ctx.world.files.list(recoveryInputs(ctx.inputs).dataDirectory)) === null ? "done" : "absent";
  },
  async *run(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    const { dataDirectory } = inputs;
    if (isInPlace(inputs)) throw new PgrescueError("bug", "production's directory is never removed");
    await requireOurs(inputs, ctx);
    yield { signal: "progress", done: 0, total: null, unit: "checks", doing: "stopping the copy's server" };
    await stopOwnServer(inputs, ctx);
    const { socketDirectory } = ownServer(inputs, ctx);
    yield { signal: "progress", done: 0, total: null, unit: "checks", doing: `removing ${dataDirectory}` };
    for (const place of Object.values(inputs.tablespaces)) await empty(place, ctx);
    await empty(dataDirectory, ctx, ownMarkName);
    await empty(dataDirectory, ctx);
    await ctx.world.files.removeEmpty([
      socketDirectory,
      ...Object.values(inputs.tablespaces),
      `${dataDirectory}.tablespaces`,
      dataDirectory,
    ]);
    // It answers no more.
    yield recorded(recordedNames.server, null);
    yield logged(`${dataDirectory} is removed`);
  },
};

/** Throws `precondition-refused` where what lies there does not bear this run's mark. */
async function requireOurs(inputs: RecoveryInputs, ctx: StepContext): Promise<void> {
  const names = (await ctx.world.files.list(inputs.dataDirectory)) ?? [];
  if (names.length === 0 || (await ownMark(inputs.dataDirectory, ctx)) === "this-run") return;
  throw new PgrescueError("precondition-refused", `${inputs.dataDirectory} does not bear this run's mark any more`, {
    means: "Somebody else's files may lie there; nothing was removed.",
    next: "Look at it, and remove by hand what is not needed.",
  });
}

/** Removes everything in a directory but for one name. */
async function empty(directory: string, ctx: StepContext, but?: string): Promise<void> {
  for (const name of (await ctx.world.files.list(directory)) ?? [])
    if (name !== but) await ctx.world.files.removeOwn(`${directory}/${name}`, { within: directory });
}
