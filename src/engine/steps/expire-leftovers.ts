import { instant } from "../../domain/instant.ts";
import { keepingOf } from "../retention/judge-repository.ts";
import type { StepKind } from "../step.ts";
import { expiryInputs, parseExpiryParameters, type ExpiryParameters } from "./expire-parameters.ts";
import { logged, recorded } from "./signals.ts";

/** The recorded value that says how many were removed: {"<repository>": count}. */
const sweptRecord = "expiry-swept";

/** Removes what killed uploads left behind in the stores. */
export const step: StepKind<ExpiryParameters> = {
  name: "expire.leftovers",
  risk: "scratch",
  parse: parseExpiryParameters,
  describe(_p, inputs) {
    return { text: `remove unfinished uploads from ${expiryInputs(inputs).repositories.join(", ")}`, commands: [] };
  },
  async probe(_p, ctx) {
    return Promise.resolve(ctx.recorded[sweptRecord] === undefined ? "absent" : "done");
  },
  async *run(_p, ctx) {
    const { repositories, graceSeconds } = expiryInputs(ctx.inputs);
    const before = instant(ctx.world.clock.now() - BigInt(Math.round(graceSeconds)) * 1_000_000n);
    const swept: Record<string, number> = {};
    for (const name of repositories) {
      let removed = 0;
      for await (const _ of keepingOf(await ctx.world.repository(name)).sweep(before)) {
        ctx.signal.throwIfAborted();
        removed += 1;
      }
      swept[name] = removed;
      if (removed > 0)
        yield logged(`removed ${removed} unfinished ${removed === 1 ? "upload" : "uploads"} from ${name}`);
    }
    yield recorded(sweptRecord, swept);
  },
};
