/** Length of XLogRecord, the fixed head of each record. */
export const recordHeadSize = 24;

/** Resource managers we look into (access/rmgrlist.h; the same numbers in 12 to 18). */
export const resource = { xlog: 0, transaction: 1, database: 4, heap: 10 } as const;

/** The tablespace of shared relations (pg_global). */
export const globalTablespace = 1664;

/** xl_info of an XLOG SWITCH record: the rest of the segment is empty. */
export const switchInfo = 0x40;

const wantedXlog: ReadonlySet<number> = new Set([0x00, 0x10, 0x50, 0x60, 0x70, 0x90]);
const wantedTransaction: ReadonlySet<number> = new Set([0x00, 0x10, 0x20, 0x30, 0x40]);

/** Whether a record of that kind may say something we keep; heap rows only of shared relations, see `isSharedRow`. */
export function isWanted(resourceId: number, info: number): boolean {
  switch (resourceId) {
    case resource.transaction:
      return wantedTransaction.has(info & 0x70);
    case resource.heap:
      return (info & 0x70) === 0x10 || (info & 0x70) === 0x70;
    case resource.xlog:
      return wantedXlog.has(info & 0xf0);
    default:
      return resourceId === resource.database;
  }
}

/** A record's parts that we use: its main data, and the relation and block of its first block reference. */
export interface RecordParts {
  /** Position of the main data in the record, up to the record's end. */
  readonly mainAt: number;
  readonly mainLength: number;
  readonly block: {
    readonly tablespace: number;
    readonly database: number;
    readonly relation: number;
    readonly number: number;
  } | null;
}

const hasImage = 0x10;
const sameRelation = 0x80;
const hasHole = 0x01;

/** Whether an image's flags say compressed: the bits were rearranged in 15 (BKPIMAGE_*). */
function isCompressed(imageInfo: number, major: number): boolean {
  return (imageInfo & (major >= 15 ? 0x1c : 0x02)) !== 0;
}

/**
 * Finds the parts of a whole record (access/xlogrecord.h, DecodeXLogRecord): after the head come the headers of blocks
 * and data, then the blocks' contents, then the main data up to the end. null when it is malformed.
 */
export function partsOf(view: DataView, start: number, length: number, major: number): RecordParts | null {
  const end = start + length;
  let at = start + recordHeadSize;
  let block: RecordParts["block"] = null;
  let contents = 0;
  let mainLength = 0;
  // Every header is at least two bytes; the main data's comes last.
  while (at + 2 <= end && end - at > contents + mainLength) {
    const id = view.getUint8(at);
    if (id === 255) {
      mainLength = view.getUint8(at + 1);
      at += 2;
      break;
    }
    if (id === 254) {
      if (at + 5 > end) return null;
      mainLength = view.getUint32(at + 1, true);
      at += 5;
      break;
    }
    if (id === 253) at += 3;
    else if (id === 252) at += 5;
    else if (id <= 32) {
      if (at + 4 > end) return null;
      const flags = view.getUint8(at + 1);
      contents += view.getUint16(at + 2, true);
      at += 4;
      if ((flags & hasImage) !== 0) {
        if (at + 5 > end) return null;
        contents += view.getUint16(at, true);
        const info = view.getUint8(at + 4);
        at += 5;
        if ((info & hasHole) !== 0 && isCompressed(info, major)) at += 2;
      }
      const relationAt = at;
      if ((flags & sameRelation) === 0) at += 12;
      if (at + 4 > end) return null;
      if (block === null && (flags & sameRelation) === 0) {
        block = {
          tablespace: view.getUint32(relationAt, true),
          database: view.getUint32(relationAt + 4, true),
          relation: view.getUint32(relationAt + 8, true),
          number: view.getUint32(at, true),
        };
      }
      at += 4;
    } else return null;
  }
  if (at + contents + mainLength !== end) return null;
  return { mainAt: end - mainLength, mainLength, block };
}

/** Whether a heap record that lies whole at `start` is about a shared relation: cheap, so that it can be asked of every DELETE. */
export function isSharedRow(view: DataView, start: number, length: number, major: number): boolean {
  if (length < recordHeadSize + 20 || view.getUint8(start + recordHeadSize) > 32) return false;
  let at = start + recordHeadSize + 4;
  if ((view.getUint8(start + recordHeadSize + 1) & hasImage) !== 0) {
    const info = view.getUint8(at + 4);
    at += 5;
    if ((info & hasHole) !== 0 && isCompressed(info, major)) at += 2;
  }
  return at + 4 <= start + length && view.getUint32(at, true) === globalTablespace;
}
