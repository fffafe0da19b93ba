import { PgrescueError } from "../../../domain/errors.ts";

/** The object that makes a place a repository of ours. */
export const repositoryKey = "pgrescue.json";

/** Below it lie the leases: who writes to the repository and removes from it. */
const leasePrefix = "locks/";

/** The last character that UTF-8 can say: behind every name that begins the same. */
const behindAll = "\u{10FFFF}";

const clusterName = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const systemNumber = /^[0-9]{1,20}$/;
const backupId = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z-(base|dump)(?:-[1-9]\d{0,5})?$/;

/** Whether a name may be a cluster's: letters, digits, `.`, `_`, `-`, not beginning with a sign. */
export function isClusterName(name: string): boolean {
  return clusterName.test(name);
}

/** Where the lease of a cluster lies; throws `usage` for a name that is none. */
export function leaseKey(cluster: string): string {
  if (!isClusterName(cluster)) throw new PgrescueError("usage", `${JSON.stringify(cluster)} is not a cluster's name`);
  return `${leasePrefix}${cluster}.json`;
}

/** Whether a lease lies there. */
export function isLeaseKey(key: string): boolean {
  return key.startsWith(leasePrefix) && key.endsWith(".json");
}

/** Whether a name is a system identifier: PostgreSQL's 64-bit number in decimal. */
export function isSystemIdentifier(name: string): boolean {
  return systemNumber.test(name);
}

/** Whether a name is a base backup's id: a UTC instant and `-base`, a number behind it where two began in one second. */
export function isBaseId(name: string): boolean {
  return backupId.exec(name)?.[7] === "base";
}

/** Whether a name is a dump's id: like a base backup's with `-dump`. */
export function isDumpId(name: string): boolean {
  return backupId.exec(name)?.[7] === "dump";
}

/** When a backup of this id began, as ISO 8601; null for other names. */
export function startOf(id: string): string | null {
  const m = backupId.exec(id);
  return m === null ? null : `${m[1]}-${m[2]}-${m[3]}T${m[4]}:${m[5]}:${m[6]}Z`;
}

/** `<cluster>/<system identifier>/`; throws `usage` for names that could lead elsewhere. */
export function systemPrefix(cluster: string, systemIdentifier: string): string {
  if (!isClusterName(cluster)) throw new PgrescueError("usage", `${JSON.stringify(cluster)} is not a cluster's name`);
  if (!isSystemIdentifier(systemIdentifier))
    throw new PgrescueError("usage", `${JSON.stringify(systemIdentifier)} is not a system identifier`);
  return `${cluster}/${systemIdentifier}/`;
}

/** `<cluster>/<system identifier>/base/<id>/`; throws `usage` for an id that is none of ours. */
export function baseFolder(cluster: string, systemIdentifier: string, id: string): string {
  if (!isBaseId(id)) throw new PgrescueError("usage", `${JSON.stringify(id)} is not the id of a base backup`);
  return `${systemPrefix(cluster, systemIdentifier)}base/${id}/`;
}

/** `<cluster>/dump/`: the dumps of all systems that ever bore the name; throws `usage` for names that could lead elsewhere. */
export function dumpsPrefix(cluster: string): string {
  if (!isClusterName(cluster)) throw new PgrescueError("usage", `${JSON.stringify(cluster)} is not a cluster's name`);
  return `${cluster}/dump/`;
}

/** `<cluster>/dump/<id>/`; throws `usage` for an id that is none of ours. */
export function dumpFolder(cluster: string, id: string): string {
  if (!isDumpId(id)) throw new PgrescueError("usage", `${JSON.stringify(id)} is not the id of a dump`);
  return `${dumpsPrefix(cluster)}${id}/`;
}

/** The key before which everything below the folder `prefix` + `name` + `/` sorts. */
export function behindFolder(prefix: string, name: string): string {
  return `${prefix}${name}/${behindAll}`;
}
