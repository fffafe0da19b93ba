import type { RecoveryPoint } from "../../../domain/recovery-point.ts";
import { commitName, decodeBackup } from "./backup-document.ts";
import { decodeDump, dumpCommitName } from "./dump-document.ts";
import type { StoredObject } from "./hashed-object.ts";
import { baseFolder, dumpFolder } from "./keys.ts";

/** The name of the document that reserves a backup's id when it begins. */
export const beginName = "begin.json";

type Place = Pick<RecoveryPoint, "kind" | "cluster" | "systemIdentifier" | "id">;

/** Where a point lies: its folder (ending in `/`) and the name of its commit document there. */
export function placeOf(point: Place): { readonly folder: string; readonly commit: string } {
  return point.kind === "dump"
    ? { folder: dumpFolder(point.cluster, point.id), commit: dumpCommitName }
    : { folder: baseFolder(point.cluster, point.systemIdentifier, point.id), commit: commitName };
}

/** What a point's commit document lists. Throws as its decoder does. */
export function objectsOf(
  point: Place,
  document: Uint8Array,
): { readonly objects: readonly StoredObject[]; readonly storedBytes: number } {
  const { folder, commit } = placeOf(point);
  return point.kind === "dump" ? decodeDump(document, folder + commit) : decodeBackup(document, folder + commit);
}
