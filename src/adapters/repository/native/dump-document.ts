import { z } from "zod";
import { formatInstant } from "../../../domain/instant.ts";
import { lsn } from "../../../domain/lsn.ts";
import type { RecoveryPoint } from "../../../domain/recovery-point.ts";
import { keepRules } from "../../../domain/retention/policy.ts";
import { count, decodeCommit, encryption, moment, storedIncludes, storedObjects } from "./document-parts.ts";

/** The name of the commit document in a dump's folder. */
export const dumpCommitName = "dump.json";

const objectName = z.string().regex(/^(?:include\/)?[A-Za-z0-9][A-Za-z0-9._-]*$/);
const patterns = z.array(z.string());
const failure = z.object({ database: z.string(), error: z.string() });

const documentSchema = z.object({
  format: z.literal("pgrescue.dump/v1"),
  id: z.string(),
  kind: z.literal("dump"),
  cluster: z.string(),
  systemIdentifier: z.string(),
  postgresVersion: count,
  clientVersion: count,
  startedAt: moment,
  finishedAt: moment,
  run: z.string(),
  label: z.string(),
  keep: z.enum(keepRules).exactOptional(),
  slot: z.string().exactOptional(),
  warnings: z.array(z.string()),
  bytes: count,
  storedBytes: count,
  encryption,
  globals: z.object({ object: objectName, passwords: z.boolean() }),
  databases: z
    .array(
      z.object({
        name: z.string(),
        oid: count,
        encoding: z.string(),
        bytes: count,
        format: z.enum(["custom", "tar", "directory", "plain", "cluster"]),
        object: objectName,
        catalog: objectName.nullable(),
        filters: z.object({ schemas: patterns, excludeSchemas: patterns, tables: patterns, excludeTables: patterns }),
      }),
    )
    .min(1),
  failed: z.array(failure),
  includes: storedIncludes,
  objects: storedObjects(objectName),
});

/** `dump.json`: written last; what it does not list does not belong to the dump. */
export type DumpDocument = z.output<typeof documentSchema>;

/** Reads `dump.json`. Throws `damaged-data`, or `precondition-refused` when a newer pgrescue wrote it. */
export function decodeDump(bytes: Uint8Array, what: string): DumpDocument {
  return decodeCommit(documentSchema, "pgrescue.dump", bytes, what);
}

/** As it is stored: instants in ISO 8601 UTC with microseconds. */
export function encodeDump(document: DumpDocument): Uint8Array {
  const text = {
    ...document,
    startedAt: formatInstant(document.startedAt),
    finishedAt: formatInstant(document.finishedAt),
  };
  return Buffer.from(`${JSON.stringify(text, null, 2)}\n`);
}

/** A committed dump as a recovery point: it is of no WAL. */
export function pointOfDump(document: DumpDocument, repository: string): RecoveryPoint {
  const { id, cluster, systemIdentifier, postgresVersion, startedAt, finishedAt, bytes, storedBytes, run } = document;
  const warnings = [
    ...document.warnings,
    ...document.failed.map(({ database, error }) => `database ${database} is not in it: ${error}`),
  ];
  return {
    id,
    kind: "dump",
    format: "native",
    repository,
    cluster,
    status: "ok",
    systemIdentifier,
    postgresVersion,
    timeline: 0,
    startedAt,
    finishedAt,
    startLsn: lsn(0n),
    stopLsn: lsn(0n),
    segmentSize: 0,
    databases: document.databases.map(({ name }) => name),
    bytes,
    storedBytes,
    encrypted: document.encryption !== null,
    tablespaces: [],
    walIncluded: false,
    run,
    ...(document.keep === undefined ? {} : { keep: document.keep }),
    ...(document.slot === undefined ? {} : { slot: document.slot }),
    ...(warnings.length === 0 ? {} : { warnings }),
  };
}
