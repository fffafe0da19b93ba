import type { StepKind } from "../step.ts";
import {
  dumpOf,
  dumpRestoreInputs,
  dumpRestoreRequest,
  parseDumpRestoreParameters,
  type DumpRestoreParameters,
} from "./dump-restore-parameters.ts";
import { hasRecorded } from "./recorded.ts";
import { logged, recorded } from "./signals.ts";

/** The recorded value that names the roles that were made: {made: [...], missing: [...]}. */
const rolesRecord = "roles";

/** Makes the roles of the dump that the server lacks. Those that are there are left as they are. */
export const step: StepKind<DumpRestoreParameters> = {
  name: "dump.roles",
  risk: "scratch",
  parse: parseDumpRestoreParameters,
  describe(_p, inputs) {
    const { into } = dumpRestoreInputs(inputs);
    return { text: `make the roles that ${into} lacks, as the dump has them; others are not touched`, commands: [] };
  },
  probe: (_p, ctx) => Promise.resolve(hasRecorded(ctx, rolesRecord)),
  async *run(_p, ctx) {
    const [request, reader] = [dumpRestoreRequest(ctx), await dumpOf(ctx)];
    const before = await ctx.world.dumpRestores.missingRoles(request, reader);
    if (before.length > 0) yield* ctx.world.dumpRestores.restoreRoles(request, reader, ctx.signal);
    const missing = before.length === 0 ? before : await ctx.world.dumpRestores.missingRoles(request, reader);
    const made = before.filter((name) => !missing.includes(name));
    if (made.length > 0) yield logged(`made ${made.join(", ")}`);
    if (missing.length > 0) yield logged(`still missing: ${missing.join(", ")}`, "warn");
    yield recorded(rolesRecord, { made: [...made], missing: [...missing] });
  },
};
