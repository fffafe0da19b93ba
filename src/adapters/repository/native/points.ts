import { messageOf, PgrescueError } from "../../../domain/errors.ts";
import type { RecoveryPoint } from "../../../domain/recovery-point.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import { beginName, commitName, decodeBackup, pointOf, unusablePoint } from "./backup-document.ts";
import { folders } from "./folders.ts";
import { baseFolder, isBaseId, isClusterName, isSystemIdentifier, systemPrefix } from "./keys.ts";

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

/** The points of one system, oldest first by timeline and LSN (hosts' clocks don't decide); unusable ones last. */
export async function pointsOf(
  store: ObjectStore,
  repository: string,
  system: System,
): Promise<readonly RecoveryPoint[]> {
  const points: RecoveryPoint[] = [];
  for await (const id of folders(store, `${systemPrefix(system.cluster, system.systemIdentifier)}base/`)) {
    if (isBaseId(id)) points.push(await pointAt(store, repository, system, id));
  }
  return points.toSorted(byPosition);
}

async function pointAt(store: ObjectStore, repository: string, system: System, id: string): Promise<RecoveryPoint> {
  const folder = baseFolder(system.cluster, system.systemIdentifier, id);
  const place = { repository, ...system, id };
  const bytes = await store.get(folder + commitName);
  if (bytes === null)
    return unusablePoint(place, await store.get(folder + beginName), "incomplete", "the backup was not finished");
  try {
    const document = decodeBackup(bytes, folder + commitName);
    if (
      document.id === id &&
      document.cluster === system.cluster &&
      document.systemIdentifier === system.systemIdentifier
    )
      return pointOf(document, repository);
    return unusablePoint(
      place,
      null,
      "damaged",
      `${commitName} belongs to ${document.cluster}/${document.systemIdentifier}/base/${document.id}`,
    );
  } catch (error) {
    const isNewer = error instanceof PgrescueError && error.code === "precondition-refused";
    return unusablePoint(
      place,
      await store.get(folder + beginName),
      isNewer ? "not-restorable" : "damaged",
      messageOf(error),
    );
  }
}

function byPosition(a: RecoveryPoint, b: RecoveryPoint): number {
  const usable = Number(a.status !== "ok") - Number(b.status !== "ok");
  return usable || a.timeline - b.timeline || compare(a.startLsn, b.startLsn) || compare(a.id, b.id);
}

function compare<T extends bigint | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
