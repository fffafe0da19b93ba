/** A relation's file by its name: `16384`, `16384_vm`, `16384.3`, `16384_init`. */
export interface RelationFile {
  readonly relfilenode: number;
  readonly fork: "main" | "fsm" | "vm" | "init";
  /** Which 1 GiB piece of the fork. */
  readonly segment: number;
}

/** Reads a file name in a database's directory; null when it is not a permanent relation's. */
export function parseRelationFile(name: string): RelationFile | null {
  const m = /^([1-9]\d{0,9})(?:_(fsm|vm|init))?(?:\.([1-9]\d{0,6}))?$/.exec(name);
  if (m === null) return null;
  return { relfilenode: Number(m[1]), fork: (m[2] ?? "main") as RelationFile["fork"], segment: Number(m[3] ?? "0") };
}

/** Whether it is a temporary relation's file (`t3_16384`, `t3_16384_fsm.1`). */
export function isTemporaryRelation(name: string): boolean {
  return /^t\d+_\d+(?:_(?:fsm|vm|init))?(?:\.\d+)?$/.test(name);
}

/** Pages in a full 1 GiB piece (RELSEG_SIZE): where a piece's first block number comes from. */
export const blocksPerSegment = 131_072;
