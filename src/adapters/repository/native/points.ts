import { messageOf, PgrescueError } from "../../../domain/errors.ts";
import type { RecoveryPoint } from "../../../domain/recovery-point.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import { decodeBackup, pointOf, unusablePoint } from "./backup-document.ts";
import { decodeDump, pointOfDump } from "./dump-document.ts";
import { folders } from "./folders.ts";
import { archivedReason, pointFolders, type PointFolder } from "./point-folders.ts";
import { dumpsPrefix, isBaseId, isClusterName, isDumpId, isSystemIdentifier, systemPrefix } from "./keys.ts";
import { beginName, placeOf } from "./point-place.ts";

export interface System {
  readonly cluster: string;
  readonly systemIdentifier: string;
}

/** Every database system with something in the store, by cluster and system identifier. */
export async function* systemsIn(store: ObjectStore): AsyncIterable<System> {
  for await (const cluster of folders(store, "")) {
    if (!isClusterName(cluster)) continue;
    for await (const systemIdentifier of folders(store, `${cluster}/`)) {
      if (isSystemIdentifier(systemIdentifier)) yield { cluster, systemIdentifier };
    }
  }
}

/** The base backups of one system, oldest first by timeline and LSN (hosts' clocks don't decide); unusable ones last. */
export async function pointsOf(
  store: ObjectStore,
  repository: string,
  system: System,
): Promise<readonly RecoveryPoint[]> {
  const points: RecoveryPoint[] = [];
  for await (const found of pointFolders(store, `${systemPrefix(system.cluster, system.systemIdentifier)}base/`)) {
    const { name: id } = found;
    if (isBaseId(id)) points.push(await pointAt(store, { repository, ...system, kind: "base", id }, found));
  }
  return points.toSorted(byPosition);
}

/** Clusters that have a folder, with dumps in it perhaps. */
export async function* clustersIn(store: ObjectStore): AsyncIterable<string> {
  for await (const cluster of folders(store, "")) if (isClusterName(cluster)) yield cluster;
}

/** The dumps of a cluster, oldest first. One that was not finished may not tell of which system it is: "". */
export async function* dumpsOf(store: ObjectStore, repository: string, cluster: string): AsyncIterable<RecoveryPoint> {
  for await (const found of pointFolders(store, dumpsPrefix(cluster))) {
    const { name: id } = found;
    if (isDumpId(id))
      yield await pointAt(store, { repository, cluster, systemIdentifier: "", kind: "dump", id }, found);
  }
}

interface Place extends System {
  readonly repository: string;
  readonly kind: "base" | "dump";
  readonly id: string;
}

/** What is archived is not read: where that is the commit document, nothing is known but when the backup began. */
async function pointAt(store: ObjectStore, place: Place, found: PointFolder): Promise<RecoveryPoint> {
  const { folder, commit } = placeOf(place);
  const begin = async () => (found.archived.has(beginName) ? null : store.get(folder + beginName));
  const archived = archivedReason(found);
  if (archived !== null && found.archived.has(commit)) return unusablePoint(place, await begin(), "archived", archived);
  const bytes = await store.get(folder + commit);
  if (bytes === null) return unusablePoint(place, await begin(), "incomplete", "the backup was not finished");
  try {
    const point = belonging(place, bytes, folder + commit);
    return archived === null || point.status !== "ok" ? point : { ...point, status: "archived", reason: archived };
  } catch (error) {
    const isNewer = error instanceof PgrescueError && error.code === "precondition-refused";
    return unusablePoint(place, await begin(), isNewer ? "not-restorable" : "damaged", messageOf(error));
  }
}

/** The point that a commit document describes; damaged where it is another one's. */
function belonging(place: Place, bytes: Uint8Array, what: string): RecoveryPoint {
  const point =
    place.kind === "dump"
      ? pointOfDump(decodeDump(bytes, what), place.repository)
      : pointOf(decodeBackup(bytes, what), place.repository);
  const isOfSystem = place.kind === "dump" || point.systemIdentifier === place.systemIdentifier;
  if (point.id === place.id && point.cluster === place.cluster && isOfSystem) return point;
  const whose = `${point.cluster}/${point.kind === "dump" ? "dump" : `${point.systemIdentifier}/base`}/${point.id}`;
  return unusablePoint(place, null, "damaged", `${what.slice(what.lastIndexOf("/") + 1)} belongs to ${whose}`);
}

function byPosition(a: RecoveryPoint, b: RecoveryPoint): number {
  const usable = Number(a.status !== "ok") - Number(b.status !== "ok");
  return usable || a.timeline - b.timeline || compare(a.startLsn, b.startLsn) || compare(a.id, b.id);
}

function compare<T extends bigint | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
