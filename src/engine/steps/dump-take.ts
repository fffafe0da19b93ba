import { formatInstant } from "../../domain/instant.ts";
import { isPartial } from "../../domain/dump.ts";
import type { StepKind } from "../step.ts";
import { backupRecord } from "./backup-base.ts";
import { dumpInputs, dumpOfRun, dumpRequest, parseDumpParameters, type DumpParameters } from "./dump-parameters.ts";
import { logged, recorded } from "./signals.ts";

/** Dumps the databases. It is there or it is not: a run that was cut off begins it again. */
export const step: StepKind<DumpParameters> = {
  name: "dump.take",
  risk: "scratch",
  parse: parseDumpParameters,
  describe(_p, inputs) {
    const { cluster, repository, databases, exclude, filters, proof } = dumpInputs(inputs);
    const what =
      databases === null
        ? `all databases${exclude.length === 0 ? "" : ` but ${exclude.join(", ")}`}`
        : databases.join(", ");
    const part = isPartial(filters) ? " (a part, by the filters)" : "";
    const counted = { none: "", rows: "; rows are counted", fingerprint: "; rows are counted and fingerprinted" }[
      proof
    ];
    return {
      text: `dump ${what} of ${cluster}${part} with roles and tablespaces, to repository ${repository}${counted}`,
      commands: [],
    };
  },
  async probe(_p, ctx) {
    return (await dumpOfRun(ctx)) === null ? "absent" : "done";
  },
  async *run(_p, ctx) {
    for await (const said of ctx.world.dumps.take(dumpRequest(ctx), ctx.signal)) {
      if (said.signal !== "finished") {
        yield said;
        continue;
      }
      const { point, databases, failed, warnings } = said;
      for (const warning of warnings) yield logged(warning, "warn");
      yield recorded(backupRecord, {
        id: point.id,
        kind: "dump",
        databases: databases.map(({ name }) => name),
        failed: failed.map(({ database, error }) => ({ database, error })),
        bytes: point.bytes,
        storedBytes: point.storedBytes,
        finishedAt: formatInstant(point.finishedAt),
        warnings: [...warnings],
      });
    }
  },
};
