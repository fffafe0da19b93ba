import { readBackupLabel } from "../../../domain/backup-label.ts";

/** What an object is, by its content. */
export type ContentKind =
  | { readonly kind: "base-tar"; readonly label: string; readonly tablespaces: string }
  | { readonly kind: "tablespace-tar"; readonly catalogVersion: string }
  | { readonly kind: "wal-tar"; readonly firstSegment: string }
  | { readonly kind: "manifest" }
  | { readonly kind: "dump"; readonly facts: DumpFacts }
  | { readonly kind: "other" };

/** What the beginning of a dump tells. */
export interface DumpFacts {
  readonly format: "custom" | "plain" | "cluster" | "tar" | "directory";
  readonly database: string | null;
  /** As it writes itself: `15.4 (Debian 15.4-1)`; null where the beginning does not say. */
  readonly serverVersion: string | null;
}

/** Bytes of the content that are enough to tell, where there are so many. */
export const tellingLength = 64 * 1024;

/** Tells what the beginning of an object's content, unwrapped, is. */
export function kindOf(content: Buffer): ContentKind {
  if (content.toString("latin1", 257, 262) === "ustar") return kindOfTar(content);
  if (content.toString("latin1", 0, 5) === "PGDMP") return { kind: "dump", facts: customDump(content, "custom") };
  const text = content.toString("utf8", 0, 4096);
  if (/^\s*\{\s*"PostgreSQL-Backup-Manifest-Version"/.test(text)) return { kind: "manifest" };
  if (/^(?:--\n)?-- PostgreSQL database cluster dump/m.test(text.slice(0, 400)))
    return { kind: "dump", facts: { format: "cluster", database: null, serverVersion: versionIn(text) } };
  if (/^(?:--\n)?-- PostgreSQL database dump/m.test(text.slice(0, 400)))
    return { kind: "dump", facts: { format: "plain", database: null, serverVersion: versionIn(text) } };
  return { kind: "other" };
}

function kindOfTar(content: Buffer): ContentKind {
  const members = tarNames(content);
  const label = members.find(({ name }) => name === "backup_label");
  if (label !== undefined && readBackupLabel(label.text) !== null) {
    const map = members.find(({ name }) => name === "tablespace_map");
    return { kind: "base-tar", label: label.text, tablespaces: map?.text ?? "" };
  }
  const [first] = members;
  const space = members.find(({ name }) => /^PG_\d+_\d{9}(?:\/|$)/.test(name));
  if (space !== undefined) return { kind: "tablespace-tar", catalogVersion: /_(\d{9})/.exec(space.name)?.[1] ?? "" };
  const segment = members.find(({ name }) => /^[0-9A-F]{24}$/.test(name));
  if (segment !== undefined) return { kind: "wal-tar", firstSegment: segment.name };
  if (members.some(({ name }) => name === "toc.dat")) {
    const toc = members.find(({ name }) => name === "toc.dat");
    return { kind: "dump", facts: customDump(Buffer.from(toc?.text ?? "", "latin1"), "tar") };
  }
  return first === undefined ? { kind: "other" } : { kind: "other" };
}

/** Members whose headers stand in the first bytes of a tar, with as much of their content. */
function tarNames(content: Buffer): readonly { readonly name: string; readonly text: string }[] {
  const found: { name: string; text: string }[] = [];
  for (let at = 0; at + 512 <= content.length && found.length < 50;) {
    const header = content.subarray(at, at + 512);
    if (header.toString("latin1", 257, 262) !== "ustar") break;
    const end = header.indexOf(0);
    const name = header
      .toString("utf8", 0, end < 0 || end > 100 ? 100 : end)
      .replace(/^\.\//, "")
      .replace(/\/$/, "");
    const size = Number.parseInt(header.toString("latin1", 124, 135).trim() || "0", 8);
    if (!(size >= 0)) break;
    found.push({ name, text: content.toString("latin1", at + 512, at + 512 + size) });
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return found;
}

/**
 * The header of a custom archive or a toc.dat (pg_backup_archiver.c, ReadHead): integers are a sign byte and bytes from the
 * lowest up, strings a length and bytes.
 */
function customDump(bytes: Buffer, format: DumpFacts["format"]): DumpFacts {
  const unknown = { format, database: null, serverVersion: null };
  const intSize = bytes[8] ?? 0;
  // magic, three bytes of version, sizes of int and offset, format
  let at = 11;
  const version = (bytes[5] ?? 0) * 100 + (bytes[6] ?? 0);
  if (bytes.toString("latin1", 0, 5) !== "PGDMP" || intSize < 1 || intSize > 8) return unknown;
  const int = (): number => {
    const sign = bytes[at] ?? 0;
    let value = 0;
    for (let n = intSize; n > 0; n--) value = value * 256 + (bytes[at + n] ?? 0);
    at += 1 + intSize;
    return sign === 0 ? value : -value;
  };
  const text = (): string | null => {
    const length = int();
    if (length < 0 || at + length > bytes.length) return null;
    const value = bytes.toString("utf8", at, at + length);
    at += length;
    return value;
  };
  // Compression: its algorithm as a byte from archive version 1.15 (PostgreSQL 16) on, its level as an integer before.
  if (version >= 115) at += 1;
  else int();
  // When it was made, as struct tm has it.
  for (let n = 0; n < 7; n++) int();
  return { format, database: text(), serverVersion: text() };
}

function versionIn(text: string): string | null {
  return /^-- Dumped from database version (.+)$/m.exec(text)?.[1] ?? null;
}
