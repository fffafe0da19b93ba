import { formatInstant } from "../../domain/instant.ts";
import { formatLsn } from "../../domain/lsn.ts";
import type { StepKind } from "../step.ts";
import {
  backupRequest,
  parseBackupParameters,
  pointOfRun,
  requestOf,
  type BackupParameters,
} from "./backup-parameters.ts";
import { logged, recorded } from "./signals.ts";

/** The recorded value that names the new point: {id, startLsn, stopLsn, bytes, storedBytes, finishedAt, source, walIncluded, warnings}. */
export const backupRecord = "backup";

/**
 * Takes a base backup. It is there or it is not: a run that was cut off begins it again, and nothing of the first attempt
 * is ever offered.
 */
export const step: StepKind<BackupParameters> = {
  name: "backup.base",
  risk: "scratch",
  parse: parseBackupParameters,
  describe(p, inputs) {
    const { cluster, repository, source, wal } = backupRequest(p, inputs);
    const from = {
      auto: "from its files where they can be read here, else through the replication protocol",
      local: "from its files on this host",
      remote: "through the replication protocol",
    }[source];
    const rest = { auto: "", archive: "; its WAL is waited for in the archive", include: "; its WAL is stored inside" }[
      wal
    ];
    return { text: `copy ${cluster} ${from}, to repository ${repository}${rest}`, commands: [] };
  },
  async probe(p, ctx) {
    return (await pointOfRun(p, ctx)) === null ? "absent" : "done";
  },
  async *run(p, ctx) {
    for await (const said of ctx.world.backups.take(requestOf(p, ctx), ctx.signal)) {
      if (said.signal !== "finished") {
        yield said;
        continue;
      }
      const { point, source, warnings } = said;
      for (const warning of warnings) yield logged(warning, "warn");
      yield recorded(backupRecord, {
        id: point.id,
        source,
        startLsn: formatLsn(point.startLsn),
        stopLsn: formatLsn(point.stopLsn),
        timeline: point.timeline,
        bytes: point.bytes,
        storedBytes: point.storedBytes,
        finishedAt: formatInstant(point.finishedAt),
        walIncluded: point.walIncluded,
        warnings: [...warnings],
      });
    }
  },
};
