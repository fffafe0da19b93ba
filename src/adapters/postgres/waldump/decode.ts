import { instant, instantFromPostgres } from "../../../domain/instant.ts";
import { lsn, type Lsn } from "../../../domain/lsn.ts";
import type { WalEvent } from "../../../domain/wal-event.ts";
import { globalTablespace, partsOf, resource, type RecordParts } from "./record.ts";
import { decodeTransaction } from "./transaction-record.ts";

/** A whole record: where its bytes are, and where it stands in the WAL. */
export interface WholeRecord {
  readonly view: DataView;
  readonly start: number;
  readonly length: number;
  readonly lsn: Lsn;
  readonly endLsn: Lsn;
  readonly major: number;
}

/** What a record says; null when it says nothing that we keep, or is malformed. */
export function decodeRecord(record: WholeRecord): WalEvent | null {
  const { view, start } = record;
  const parts = partsOf(view, start, record.length, record.major);
  if (parts === null) return null;
  switch (view.getUint8(start + 17)) {
    case resource.transaction:
      return decodeTransaction(record, parts);
    case resource.xlog:
      return decodeXlog(record, parts);
    case resource.database:
      return decodeDatabase(record, parts);
    case resource.heap:
      return decodeSharedRow(record, parts);
    default:
      return null;
  }
}

/** XLOG records (catalog/pg_control.h, access/xlog_internal.h). Fields that came in 17 lie in what was padding before. */
function decodeXlog(record: WholeRecord, { mainAt: at, mainLength }: RecordParts): WalEvent | null {
  const { view, start, lsn: from, endLsn } = record;
  const place = { lsn: from, endLsn };
  const info = view.getUint8(start + 16) & 0xf0;
  if ((info === 0x00 || info === 0x10) && mainLength >= 72) {
    return {
      kind: "checkpoint",
      ...place,
      redo: lsn(view.getBigUint64(at, true)),
      timeline: view.getUint32(at + 8, true),
      previousTimeline: view.getUint32(at + 12, true),
      nextXid: view.getBigUint64(at + 24, true),
      at: instant(view.getBigInt64(at + 64, true) * 1_000_000n),
      online: info === 0x10,
    };
  }
  if (info === 0x50 && mainLength >= 8)
    return { kind: "backup-end", ...place, startLsn: lsn(view.getBigUint64(at, true)) };
  if (info === 0x60 && mainLength >= 20) return { kind: "parameters", ...place, floors: decodeFloors(view, at) };
  if (info === 0x70 && mainLength > 8) {
    return {
      kind: "restore-point",
      ...place,
      at: instantFromPostgres(view.getBigInt64(at, true)),
      name: cString(view, at + 8, at + mainLength),
    };
  }
  if (info === 0x90 && mainLength >= 16) {
    return {
      kind: "end-of-recovery",
      ...place,
      at: instantFromPostgres(view.getBigInt64(at, true)),
      timeline: view.getUint32(at + 8, true),
      previousTimeline: view.getUint32(at + 12, true),
    };
  }
  return null;
}

/** xl_parameter_change: what a standby and a recovery must not be below. */
function decodeFloors(view: DataView, at: number): { readonly [name: string]: number } {
  return {
    max_connections: view.getInt32(at, true),
    max_worker_processes: view.getInt32(at + 4, true),
    max_wal_senders: view.getInt32(at + 8, true),
    max_prepared_transactions: view.getInt32(at + 12, true),
    max_locks_per_transaction: view.getInt32(at + 16, true),
  };
}

/** Database records (commands/dbcommands_xlog.h): 15 put CREATE_WAL_LOG where DROP was. */
function decodeDatabase(record: WholeRecord, { mainAt, mainLength }: RecordParts): WalEvent | null {
  if (mainLength < 4) return null;
  const { view, start } = record;
  const info = view.getUint8(start + 16) & 0xf0;
  const isDrop = info === (record.major >= 15 ? 0x20 : 0x10);
  return {
    kind: isDrop ? "database-dropped" : "database-created",
    lsn: record.lsn,
    endLsn: record.endLsn,
    xid: view.getUint32(start + 4, true),
    database: view.getUint32(mainAt, true),
  };
}

/** In-place updates and deletes of rows of shared relations: DROP DATABASE begins with one of each on pg_database. */
function decodeSharedRow(record: WholeRecord, { mainAt, mainLength, block }: RecordParts): WalEvent | null {
  if (block?.tablespace !== globalTablespace) return null;
  const { view, start } = record;
  const isDelete = (view.getUint8(start + 16) & 0x70) === 0x10;
  if (mainLength < (isDelete ? 6 : 2)) return null;
  return {
    kind: "shared-row",
    action: isDelete ? "delete" : "inplace",
    lsn: record.lsn,
    endLsn: record.endLsn,
    xid: view.getUint32(start + 4, true),
    relation: block.relation,
    block: block.number,
    offset: view.getUint16(isDelete ? mainAt + 4 : mainAt, true),
  };
}

function cString(view: DataView, from: number, until: number): string {
  let end = from;
  while (end < until && view.getUint8(end) !== 0) end++;
  return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + from, end - from));
}
