import type { Lsn } from "../../../domain/lsn.ts";
import { readBackupLabel } from "../../../domain/backup-label.ts";
import { segmentName, segmentNumberOf, segmentOf, segmentStart, type SegmentNumber } from "../../../domain/segment.ts";
import { faultOfSegment, readWalHeader, type WalHeader } from "../../../domain/wal-header.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import { PgrescueError } from "../../../domain/errors.ts";
import { readerOf, tarMembers } from "../../system/tar-stream.ts";
import { readContent, streamContent } from "./content.ts";
import { readManifest, type ManifestFacts } from "./manifest.ts";
import type { PlainBackup } from "./scan.ts";
import type { WalPlace } from "./wal.ts";

/** What a backup's own files, and the WAL beside it, tell of it beyond its label. */
export interface BackupFacts {
  readonly systemIdentifier: string | null;
  readonly segmentSize: number;
  /** Of the WAL; it changes with each major version of PostgreSQL. */
  readonly magic: number | null;
  /** From where on it is consistent; null where nothing says so. */
  readonly stopLsn: Lsn | null;
  readonly finishedAt: PlainBackup["label"]["finishedAt"];
  readonly manifest: ManifestFacts | null;
  /** Of a backup in single files: one that is not there as the manifest has it. */
  readonly missing: string | null;
  /** WAL that lies inside the backup, by name. */
  readonly ownWal: ReadonlySet<string>;
}

const largestManifest = 512 * 1024 * 1024;
const largestSegment = 1024 * 1024 * 1024;

/** Asks what is cheap first; a compressed archive is read through only when nothing else names the system. */
export async function factsOf(
  store: ObjectStore,
  backup: PlainBackup,
  places: readonly WalPlace[],
): Promise<BackupFacts> {
  const bytes = backup.manifest === null ? null : await readContent(store, backup.manifest, largestManifest);
  const manifest = bytes === null ? null : readManifest(bytes);
  const own = backup.walTar === null ? null : await walInside(store, backup.walTar);
  const place = placeOf(backup, places, own?.header?.systemIdentifier ?? manifest?.systemIdentifier ?? null);
  const systemIdentifier =
    manifest?.systemIdentifier ??
    own?.header?.systemIdentifier ??
    (await controlIdentifier(store, backup, place === null)) ??
    place?.systemIdentifier ??
    null;
  const segmentSize = own?.header?.segmentSize ?? place?.segmentSize ?? 16 * 1024 * 1024;
  const history = await backupHistory(store, backup, places, segmentSize);
  const names = [...(own?.names ?? [])].sort();
  const lastOwn = segmentNumberOf(names.at(-1) ?? "", segmentSize);
  return {
    systemIdentifier,
    segmentSize,
    magic: own?.header?.magic ?? place?.magic ?? null,
    stopLsn:
      manifest?.wal.at(-1)?.until ??
      history?.stopLsn ??
      // pg_basebackup brings all WAL that the backup needs: it is consistent where that ends, at the latest.
      (lastOwn === null ? null : segmentStart((lastOwn + 1n) as SegmentNumber, segmentSize)),
    finishedAt: history?.finishedAt ?? null,
    manifest,
    missing: backup.base === null && manifest !== null ? await firstMissing(store, backup, manifest) : null,
    ownWal: own?.names ?? new Set(),
  };
}

/** The first file that a listing does not show with the size that the manifest gives: the copy was cut off. */
async function firstMissing(store: ObjectStore, backup: PlainBackup, manifest: ManifestFacts): Promise<string | null> {
  const left = new Map(manifest.files);
  for await (const { key, size } of store.list(backup.folder)) {
    const path = key.slice(backup.folder.length);
    if (left.get(path) === size) left.delete(path);
  }
  for (const path of left.keys()) if (!path.startsWith("pg_tblspc/")) return path;
  return null;
}

/** The place that has the segment in which the backup began; of the system where that is known. */
function placeOf(backup: PlainBackup, places: readonly WalPlace[], systemIdentifier: string | null): WalPlace | null {
  const { startLsn, timeline } = backup.label;
  const having = places.filter((place) => {
    const name = segmentName(timeline, segmentOf(startLsn, place.segmentSize), place.segmentSize);
    return place.runs.some((run) => run.first <= name && name <= run.last);
  });
  if (systemIdentifier !== null) return having.find((place) => place.systemIdentifier === systemIdentifier) ?? null;
  // Several systems have a segment of that name: which one is this backup's is told by its control file only.
  const systems = new Set(having.map((place) => place.systemIdentifier));
  return systems.size === 1 ? (having[0] ?? null) : null;
}

/** The names in a pg_wal.tar and the header of its first segment. */
async function walInside(
  store: ObjectStore,
  key: string,
): Promise<{ readonly names: ReadonlySet<string>; readonly header: WalHeader | null }> {
  const names = new Set<string>();
  let header: WalHeader | null = null;
  const head = new Uint8Array(64);
  for await (const member of tarMembers(readerOf(streamContent(store, key)), brokenTar(key))) {
    if (member.type !== "file" || !/^[0-9A-F]{24}$/.test(member.path)) continue;
    names.add(member.path);
    if (header === null) {
      const count = await member.read(head);
      header = readWalHeader(head.subarray(0, count));
    }
  }
  return { names, header };
}

/** One segment out of a pg_wal.tar; null where it is not in there. */
export async function segmentInside(
  store: ObjectStore,
  key: string,
  name: string,
  systemIdentifier: string,
): Promise<Uint8Array | null> {
  for await (const member of tarMembers(readerOf(streamContent(store, key)), brokenTar(key))) {
    if (member.path !== name || member.type !== "file" || member.size > largestSegment) continue;
    const content = Buffer.alloc(member.size);
    let filled = 0;
    for (let count = 1; count > 0 && filled < content.length; filled += count)
      count = await member.read(content.subarray(filled));
    const fault = faultOfSegment(name, content, systemIdentifier);
    if (fault !== null) throw new PgrescueError("damaged-data", `${name} in ${key} ${fault}`);
    return content;
  }
  return null;
}

/** The .backup file that the server archived at the backup's end. */
async function backupHistory(
  store: ObjectStore,
  { label }: PlainBackup,
  places: readonly WalPlace[],
  segmentSize: number,
) {
  const segment = segmentName(label.timeline, segmentOf(label.startLsn, segmentSize), segmentSize);
  const offset = (label.startLsn % BigInt(segmentSize)).toString(16).toUpperCase().padStart(8, "0");
  for (const place of places) {
    const found = place.others.find((other) => other.name === `${segment}.${offset}.backup`);
    if (found === undefined) continue;
    const content = await readContent(store, found.folder + found.name + found.suffix, 64 * 1024).catch(() => null);
    const history = content === null ? null : readBackupLabel(new TextDecoder().decode(content));
    if (history !== null && history.startLsn === label.startLsn) return history;
  }
  return null;
}

/** pg_control begins with the system identifier, in the byte order of the machine that wrote it: little on all that are left. */
async function controlIdentifier(store: ObjectStore, backup: PlainBackup, mayReadAll: boolean): Promise<string | null> {
  if (backup.base === null) {
    const key = `${backup.folder}global/pg_control`;
    const isWhole = ((await store.head(key))?.size ?? 0) >= 8;
    const bytes = isWhole ? await store.get(key, { offset: 0, length: 8 }) : null;
    return bytes === null ? null : identifierIn(bytes);
  }
  const { base } = backup;
  if (!mayReadAll) return null;
  const first = new Uint8Array(8);
  for await (const member of tarMembers(readerOf(streamContent(store, base)), brokenTar(base))) {
    if (member.path !== "global/pg_control" || member.type !== "file") continue;
    return (await member.read(first)) === 8 ? identifierIn(first) : null;
  }
  return null;
}

function identifierIn(bytes: Uint8Array): string {
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true).toString();
}

/** Makes the errors of a tar that is not whole. */
export function brokenTar(key: string): (what: string) => PgrescueError {
  return (what) => new PgrescueError("damaged-data", `the archive ${key} is broken: ${what}`);
}
