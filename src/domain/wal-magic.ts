/** xlp_magic of each major version (access/xlog_internal.h). */
const majors: ReadonlyMap<number, number> = new Map([
  [0xd101, 12],
  [0xd106, 13],
  [0xd10d, 14],
  [0xd110, 15],
  [0xd113, 16],
  [0xd116, 17],
  [0xd118, 18],
]);

/** The major version that writes WAL pages with this magic; null for one we don't know. */
export function majorOfMagic(magic: number): number | null {
  return majors.get(magic) ?? null;
}
