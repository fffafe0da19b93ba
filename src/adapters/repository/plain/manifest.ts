import { parseLsn, type Lsn } from "../../../domain/lsn.ts";
import type { TimelineId } from "../../../domain/segment.ts";

/** What is used of a backup_manifest (PostgreSQL manual, chapter 72). */
export interface ManifestFacts {
  /** From PostgreSQL 17 on; null before. */
  readonly systemIdentifier: string | null;
  /** The WAL that the backup needs, the last range being that of its own timeline. */
  readonly wal: readonly { readonly timeline: TimelineId; readonly from: Lsn; readonly until: Lsn }[];
  /** Sizes by path. */
  readonly files: ReadonlyMap<string, number>;
  readonly bytes: number;
  /** Oids of tablespaces that have files. */
  readonly tablespaces: ReadonlySet<number>;
}

/** Reads a manifest; null where it is none or is cut off. */
export function readManifest(bytes: Uint8Array): ManifestFacts | null {
  let raw: unknown;
  const text = new TextDecoder().decode(bytes);
  try {
    // The identifier has more digits than a JSON number keeps.
    raw = JSON.parse(text.replace(/"System-Identifier":\s*(\d+)/, '"System-Identifier": "$1"'));
  } catch {
    return null;
  }
  const found = raw as {
    readonly "PostgreSQL-Backup-Manifest-Version"?: unknown;
    readonly "System-Identifier"?: unknown;
    readonly Files?: unknown;
    readonly "WAL-Ranges"?: unknown;
  } | null;
  if (typeof found?.["PostgreSQL-Backup-Manifest-Version"] !== "number") return null;
  const listed = Array.isArray(found.Files) ? (found.Files as { Path?: unknown; Size?: unknown }[]) : [];
  const ranges = Array.isArray(found["WAL-Ranges"]) ? (found["WAL-Ranges"] as { [key: string]: unknown }[]) : [];
  const tablespaces = new Set<number>();
  const files = new Map<string, number>();
  let bytesOfFiles = 0;
  for (const { Path, Size } of listed) {
    bytesOfFiles += typeof Size === "number" ? Size : 0;
    if (typeof Path === "string" && typeof Size === "number") files.set(Path, Size);
    const oid = typeof Path === "string" ? /^pg_tblspc\/(\d+)\//.exec(Path)?.[1] : undefined;
    if (oid !== undefined) tablespaces.add(Number(oid));
  }
  const identifier = found["System-Identifier"];
  return {
    systemIdentifier: typeof identifier === "string" ? identifier : null,
    wal: ranges.flatMap((range) => {
      const [from, until] = [parseLsn(String(range["Start-LSN"])), parseLsn(String(range["End-LSN"]))];
      const timeline = Number(range["Timeline"]);
      return from === null || until === null || !(timeline > 0) ? [] : [{ timeline, from, until }];
    }),
    files,
    bytes: bytesOfFiles,
    tablespaces,
  };
}
