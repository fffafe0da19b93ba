import type { Brand } from "./brand.ts";

/** A position in the write-ahead log: a byte offset, 64 bit. */
export type Lsn = Brand<bigint, "Lsn">;

/** The byte offset as an LSN. */
export function lsn(offset: bigint): Lsn {
  return offset as Lsn;
}

/** Reads PostgreSQL's `16/B374D848`; null when it is not one. */
export function parseLsn(text: string): Lsn | null {
  const m = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i.exec(text.trim());
  if (m === null) return null;
  return ((BigInt(`0x${m[1]}`) << 32n) | BigInt(`0x${m[2]}`)) as Lsn;
}

/** PostgreSQL's notation, upper case, without leading zeros: `16/B374D848`. */
export function formatLsn(at: Lsn): string {
  return `${(at >> 32n).toString(16)}/${(at & 0xffff_ffffn).toString(16)}`.toUpperCase();
}
