/**
 * The file that stands in a data directory (and in each tablespace's directory) from the first byte of a restore until
 * `global/pg_control` is in place: which backup goes there and how far it came. PostgreSQL cannot start meanwhile.
 */
export const restoreMarker = ".pgrescue-restore";

/** Whether a name is that file before it got its name: a restore that was cut off at its very first write left it. */
export function isUnfinishedMarker(name: string): boolean {
  return name.startsWith(`${restoreMarker}.`);
}
