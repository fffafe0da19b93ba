import { instantFromPostgres } from "../../../domain/instant.ts";
import type { WalEvent } from "../../../domain/wal-event.ts";
import type { WholeRecord } from "./decode.ts";
import type { RecordParts } from "./record.ts";

const has = {
  info: 0x80,
  database: 1,
  subtransactions: 2,
  relations: 4,
  invalidations: 8,
  twoPhase: 16,
  droppedStatistics: 256,
} as const;
const prepare = 0x10;
/** prepared_at of xl_xact_prepare, behind magic, length, xid and database. */
const prepareTimeAt = 16;
const relationSize = 12;
const invalidationSize = 16;

/**
 * Transaction records. Those of commit and abort (access/xact.h, ParseCommitRecord): time, then the parts that xinfo announces, each an
 * array behind its count, in this order. Dropped statistics came in 15 and grew in 18.
 */
export function decodeTransaction(record: WholeRecord, { mainAt, mainLength }: RecordParts): WalEvent | null {
  const { view, start, major } = record;
  const info = view.getUint8(start + 16);
  const operation = info & 0x70;
  if (operation === prepare) {
    if (mainLength < prepareTimeAt + 8) return null;
    const xid = view.getUint32(start + 4, true);
    const at = instantFromPostgres(view.getBigInt64(mainAt + prepareTimeAt, true));
    return { kind: "prepare", lsn: record.lsn, endLsn: record.endLsn, xid, at };
  }
  const isCommit = operation === 0x00 || operation === 0x30;
  const prepared = operation === 0x30 || operation === 0x40;
  const end = mainAt + mainLength;
  if (mainLength < 8) return null;
  const at = instantFromPostgres(view.getBigInt64(mainAt, true));
  let position = mainAt + 8;
  let flags = 0;
  if ((info & has.info) !== 0 && position + 4 <= end) {
    flags = view.getUint32(position, true);
    position += 4;
  }
  let database: number | null = null;
  if ((flags & has.database) !== 0 && position + 8 <= end) {
    database = view.getUint32(position, true);
    position += 8;
  }
  const skipArray = (flag: number, size: number): number => {
    if ((flags & flag) === 0 || position + 4 > end) return 0;
    const count = view.getUint32(position, true);
    position += 4 + count * size;
    return count;
  };
  skipArray(has.subtransactions, 4);
  const droppedRelations = skipArray(has.relations, relationSize);
  const droppedStatistics = major >= 15 ? skipArray(has.droppedStatistics, major >= 18 ? 16 : 12) : 0;
  if (isCommit) skipArray(has.invalidations, invalidationSize);
  const twoPhase = (flags & has.twoPhase) !== 0 && position + 4 <= end ? view.getUint32(position, true) : null;
  return {
    kind: isCommit ? "commit" : "abort",
    lsn: record.lsn,
    endLsn: record.endLsn,
    xid: prepared && twoPhase !== null ? twoPhase : view.getUint32(start + 4, true),
    at,
    prepared,
    database,
    droppedRelations,
    droppedStatistics,
  };
}
