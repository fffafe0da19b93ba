import type { Json } from "../../domain/brand.ts";
import { formatInstant } from "../../domain/instant.ts";
import { formatLsn } from "../../domain/lsn.ts";
import type { RecoveryPoint } from "../../domain/recovery-point.ts";
import type { Survey } from "./survey.ts";

/** The survey as the document of `points --json`. */
export function pointsDocument(survey: Survey): Json {
  return {
    schema: "pgrescue.points/v1",
    points: survey.points.map(pointEntry),
    windows: survey.windows.map(({ from, until, ...window }) => ({
      ...window,
      from: { at: formatInstant(from.at), lsn: formatLsn(from.lsn), point: from.point },
      until: {
        at: until.at === null ? null : formatInstant(until.at),
        lsn: formatLsn(until.lsn),
        xid: until.xid === null ? null : String(until.xid),
      },
    })),
    holes: survey.holes.map((hole) => ({ ...hole })),
    warnings: survey.warnings,
  };
}

/** A point as documents show it. */
export function pointEntry(point: RecoveryPoint): Json {
  return {
    id: point.id,
    kind: point.kind,
    format: point.format,
    repository: point.repository,
    cluster: point.cluster,
    status: point.status,
    ...(point.reason === undefined ? {} : { reason: point.reason }),
    systemIdentifier: point.systemIdentifier,
    postgresVersion: point.postgresVersion,
    timeline: point.timeline,
    startedAt: formatInstant(point.startedAt),
    finishedAt: formatInstant(point.finishedAt),
    startLsn: formatLsn(point.startLsn),
    stopLsn: formatLsn(point.stopLsn),
    ...(point.parent === undefined ? {} : { parent: point.parent }),
    ...(point.slot === undefined ? {} : { slot: point.slot }),
    ...(point.databases === undefined ? {} : { databases: point.databases }),
    bytes: point.bytes,
    storedBytes: point.storedBytes,
    encrypted: point.encrypted,
    ...(point.verifiedAt === undefined ? {} : { verifiedAt: formatInstant(point.verifiedAt) }),
  };
}
