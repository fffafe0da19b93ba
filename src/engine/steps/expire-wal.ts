import { PgrescueError } from "../../domain/errors.ts";
import { segmentName } from "../../domain/segment.ts";
import type { Json } from "../../domain/brand.ts";
import { keepingOf } from "../retention/judge-repository.ts";
import type { StepKind } from "../step.ts";
import { expiryInputs, judgeNow, parseExpiryParameters, type ExpiryParameters } from "./expire-parameters.ts";
import { logged, recorded } from "./signals.ts";

/** The recorded value that says that a store did not let the policy be written down. */
const unrecorded = "expiry-policy-unrecorded";

/** Removes WAL that nothing which is kept needs, and writes down the policy that was applied. */
export const step: StepKind<ExpiryParameters> = {
  name: "expire.wal",
  risk: "irreversible",
  parse: parseExpiryParameters,
  describe(_p, inputs) {
    const { cluster, repositories } = expiryInputs(inputs);
    return { text: `remove WAL of ${cluster} that no kept backup needs from ${repositories.join(", ")}`, commands: [] };
  },
  async probe(_p, ctx) {
    const { cluster, policies } = expiryInputs(ctx.inputs);
    for (const [at, { repository, judgement }] of (await judgeNow(ctx)).entries()) {
      if (judgement.systems.some((s) => s.wal.some((w) => w.action === "delete"))) return "absent";
      // Without anything to remove it still has the policy to write down.
      const applied = await keepingOf(repository).appliedPolicy(cluster);
      if (ctx.recorded[unrecorded] !== true && JSON.stringify(applied) !== JSON.stringify(policies[at]))
        return "absent";
    }
    return "done";
  },
  async *run(_p, ctx) {
    const { cluster, policies } = expiryInputs(ctx.inputs);
    for (const [at, { repository, judgement }] of (await judgeNow(ctx)).entries()) {
      const keeping = keepingOf(repository);
      for (const system of judgement.systems) {
        for (const range of system.wal.filter((w) => w.action === "delete")) {
          for await (const progress of keeping.removeWal(system, range, ctx.signal))
            yield { signal: "progress", ...progress };
          const names = [range.from, range.until].map((n) => segmentName(range.timeline, n, system.segmentSize));
          yield logged(`removed WAL ${names.join(" to ")} from ${repository.name}: ${range.reason}`);
        }
      }
      const policy = policies[at];
      if (policy === undefined) continue;
      try {
        await keeping.recordPolicy(cluster, policy as unknown as Json);
      } catch (error) {
        // A store that lets nothing be replaced keeps the earlier one: changes are then shown against that.
        if (!(error instanceof PgrescueError) || error.code !== "credentials") throw error;
        yield recorded(unrecorded, true);
        yield logged(`the policy could not be written down in ${repository.name}: ${error.message}`, "warn");
      }
    }
  },
};
