import { z } from "zod";
import { formatInstant, instantFromMilliseconds, parseInstant } from "../../../domain/instant.ts";
import { formatLsn, lsn, parseLsn, type Lsn } from "../../../domain/lsn.ts";
import type { RecoveryPoint } from "../../../domain/recovery-point.ts";
import { keepRules } from "../../../domain/retention/policy.ts";
import type { DumpHeader } from "../../../ports/dump.ts";
import type { BackupHeader } from "../../../ports/repository.ts";
import {
  count,
  decodeCommit,
  encryption,
  fail,
  moment,
  parseJson,
  storedIncludes,
  storedObjects,
} from "./document-parts.ts";
import { startOf } from "./keys.ts";

const position = z.string().transform((text, context): Lsn => parseLsn(text) ?? fail(context, `${text} is not an LSN`));
const objectName = z.string().regex(/^(?:(?:wal|include)\/)?[A-Za-z0-9][A-Za-z0-9._-]*$/);

const header = z.object({
  id: z.string(),
  kind: z.literal("base"),
  cluster: z.string(),
  systemIdentifier: z.string(),
  postgresVersion: count,
  segmentSize: count,
  startedAt: moment,
  run: z.string(),
});

const beginSchema = header.extend({
  format: z.literal("pgrescue.backup-begin/v1"),
  kind: z.enum(["base", "dump"]),
  segmentSize: count.default(0),
});

const documentSchema = header.extend({
  format: z.literal("pgrescue.backup/v1"),
  finishedAt: moment,
  timeline: count,
  startLsn: position,
  stopLsn: position,
  label: z.string(),
  bytes: count,
  storedBytes: count,
  compression: z.literal("zstd"),
  encryption,
  walIncluded: z.boolean(),
  tablespaces: z.array(z.object({ oid: count, name: z.string(), location: z.string(), bytes: count })),
  keep: z.enum(keepRules).exactOptional(),
  slot: z.string().exactOptional(),
  warnings: z.array(z.string()).default([]),
  archives: z.array(
    z.object({ name: z.string().regex(/^(?:base|\d{1,10})$/), files: count, bytes: count, frames: count }),
  ),
  includes: storedIncludes,
  objects: storedObjects(objectName),
});

/** `backup.json`: written last; what it does not list does not belong to the backup. */
export type BackupDocument = z.output<typeof documentSchema>;

/** The name of the commit document in a backup's folder. */
export const commitName = "backup.json";

/** Reads `backup.json`. Throws `damaged-data`, or `precondition-refused` when a newer pgrescue wrote it. */
export function decodeBackup(bytes: Uint8Array, what: string): BackupDocument {
  return decodeCommit(documentSchema, "pgrescue.backup", bytes, what);
}

/** As it is stored: LSNs in PostgreSQL's notation, instants in ISO 8601 UTC with microseconds. */
export function encodeBackup(document: BackupDocument): Uint8Array {
  const text = {
    ...document,
    startedAt: formatInstant(document.startedAt),
    finishedAt: formatInstant(document.finishedAt),
    startLsn: formatLsn(document.startLsn),
    stopLsn: formatLsn(document.stopLsn),
  };
  return Buffer.from(`${JSON.stringify(text, null, 2)}\n`);
}

/** `begin.json`, as it is stored. */
export function encodeBegin(id: string, kind: "base" | "dump", begun: BackupHeader | DumpHeader): Uint8Array {
  return Buffer.from(
    `${JSON.stringify({ format: "pgrescue.backup-begin/v1", id, kind, ...begun, startedAt: formatInstant(begun.startedAt) }, null, 2)}\n`,
  );
}

/** A committed backup as a recovery point. */
export function pointOf(document: BackupDocument, repository: string): RecoveryPoint {
  const {
    id,
    kind,
    cluster,
    systemIdentifier,
    postgresVersion,
    timeline,
    startedAt,
    finishedAt,
    startLsn,
    stopLsn,
    segmentSize,
    bytes,
    storedBytes,
    tablespaces,
    walIncluded,
    run,
    keep,
    slot,
    warnings,
    encryption,
  } = document;
  return {
    id,
    kind,
    format: "native",
    repository,
    cluster,
    status: "ok",
    systemIdentifier,
    postgresVersion,
    timeline,
    startedAt,
    finishedAt,
    startLsn,
    stopLsn,
    segmentSize,
    bytes,
    storedBytes,
    encrypted: encryption !== null,
    tablespaces,
    walIncluded,
    run,
    ...(keep === undefined ? {} : { keep }),
    ...(slot === undefined ? {} : { slot }),
    ...(warnings.length === 0 ? {} : { warnings }),
  };
}

/** A folder that cannot be used, as a recovery point that says why. What `begin.json` told is kept, the rest is zero. */
export function unusablePoint(
  place: {
    readonly repository: string;
    readonly cluster: string;
    readonly systemIdentifier: string;
    readonly kind: "base" | "dump";
    readonly id: string;
  },
  begin: Uint8Array | null,
  status: Exclude<RecoveryPoint["status"], "ok">,
  reason: string,
): RecoveryPoint {
  const begun = begin === null ? undefined : beginSchema.safeParse(parseJson(begin)).data;
  const startedAt = begun?.startedAt ?? parseInstant(startOf(place.id) ?? "") ?? instantFromMilliseconds(0);
  return {
    ...place,
    ...(place.kind === "dump" && begun !== undefined ? { systemIdentifier: begun.systemIdentifier } : {}),
    format: "native",
    status,
    reason,
    startedAt,
    finishedAt: startedAt,
    timeline: 0,
    startLsn: lsn(0n),
    stopLsn: lsn(0n),
    postgresVersion: begun?.postgresVersion ?? 0,
    segmentSize: begun?.segmentSize ?? 0,
    bytes: 0,
    storedBytes: 0,
    encrypted: false,
    tablespaces: [],
    walIncluded: false,
    ...(begun === undefined ? {} : { run: begun.run }),
  };
}
