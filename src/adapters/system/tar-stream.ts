import { PgrescueError } from "../../domain/errors.ts";
import type { FileAttributes } from "../../ports/repository.ts";

/** Reads up to `into.length` bytes, at least one; 0 at the end. */
export type ReadBytes = (into: Uint8Array) => Promise<number>;

export interface TarMember {
  readonly type: "file" | "directory" | "link";
  /** Relative, without a slash at either end, never with `..`. */
  readonly path: string;
  readonly size: number;
  readonly attributes: FileAttributes;
  readonly target: string;
  /** The file's bytes, as many as fit; 0 at its end. What is not read is skipped. */
  read: ReadBytes;
}

const block = 512;

/** What is wrong with a tar stream: its maker knows where it comes from. */
type Broken = (what: string) => PgrescueError;

/** Larger extended headers are nobody's names. */
const longestExtension = 1024 * 1024;

/**
 * The members of a tar stream: ustar with base-256 sizes (as servers send it, src/port/tar.c), with pax' and GNU tar's long
 * names. The stream is not trusted: checksums must fit, names must stay inside. Throws what `broken` makes, by default
 * `external-failure`.
 */
export async function* tarMembers(source: ReadBytes, broken: Broken = brokenStream): AsyncGenerator<TarMember> {
  const header = Buffer.alloc(block);
  let extension: Extension = {};
  for (;;) {
    const filled = await fill(source, header);
    if (filled === 0) return;
    if (filled < block) throw broken("it ends inside a header");
    if (header.every((byte) => byte === 0)) continue;
    const flag = String.fromCharCode(header[156] ?? 0);
    if (flag === "x" || flag === "g" || flag === "L" || flag === "K") {
      const content = await readExtension(source, numberIn(header, 124, 12, broken), broken);
      // Global headers say nothing about names.
      if (flag !== "g") extension = { ...extension, ...extensionOf(flag, content) };
      continue;
    }
    const member = parseHeader(header, extension, broken);
    extension = {};
    let left = member.size;
    const read: ReadBytes = async (into) => {
      if (left === 0) return 0;
      const count = await source(into.length > left ? into.subarray(0, left) : into);
      if (count === 0) throw broken(`it ends inside ${member.path}`);
      left -= count;
      return count;
    };
    yield { ...member, read };
    const rest = new Uint8Array(block * 16);
    for (let count = 1; count > 0;) count = await read(rest);
    const padding = (block - (member.size % block)) % block;
    if ((await fill(source, rest.subarray(0, padding))) < padding) throw broken(`it ends after ${member.path}`);
  }
}

async function fill(source: ReadBytes, into: Uint8Array): Promise<number> {
  let filled = 0;
  while (filled < into.length) {
    const count = await source(into.subarray(filled));
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

/** What an extended header says of the member that follows. */
interface Extension {
  readonly path?: string;
  readonly link?: string;
  readonly size?: number;
}

async function readExtension(source: ReadBytes, size: number, broken: Broken): Promise<Buffer> {
  if (size > longestExtension) throw broken("an extended header is too long");
  const content = Buffer.alloc(size + ((block - (size % block)) % block));
  if ((await fill(source, content)) < content.length) throw broken("it ends inside an extended header");
  return content.subarray(0, size);
}

function extensionOf(flag: string, content: Buffer): Extension {
  const plain = content.toString("utf8").replace(/\0+$/, "");
  if (flag === "L") return { path: plain };
  if (flag === "K") return { link: plain };
  const records = new Map<string, string>();
  for (let at = 0; at < content.length;) {
    const blank = content.indexOf(0x20, at);
    const length = Number(content.toString("latin1", at, blank));
    if (blank < 0 || !(length > 0)) break;
    const [key = "", ...value] = content.toString("utf8", blank + 1, at + length - 1).split("=");
    records.set(key, value.join("="));
    at += length;
  }
  const [path, link, size] = [records.get("path"), records.get("linkpath"), Number(records.get("size") ?? "x")];
  return {
    ...(path === undefined ? {} : { path }),
    ...(link === undefined ? {} : { link }),
    ...(Number.isSafeInteger(size) ? { size } : {}),
  };
}

function parseHeader(header: Buffer, extension: Extension, broken: Broken): Omit<TarMember, "read"> {
  let sum = 0;
  for (const [at, byte] of header.entries()) sum += at >= 148 && at < 156 ? 32 : byte;
  if (sum !== numberIn(header, 148, 8, broken)) throw broken("a header's checksum is wrong");
  const prefix = text(header, 345, 155);
  const name = prefix === "" ? text(header, 0, 100) : `${prefix}/${text(header, 0, 100)}`;
  const path = confined(extension.path ?? name, broken);
  const type = types[String.fromCharCode(header[156] ?? 0)];
  if (type === undefined) throw broken(`${path} is of type ${JSON.stringify(String.fromCharCode(header[156] ?? 0))}`);
  if (path === "." && type !== "directory") throw broken("it has a member that is the directory itself");
  return {
    type,
    path,
    size: type === "file" ? (extension.size ?? numberIn(header, 124, 12, broken)) : 0,
    target: type === "link" ? (extension.link ?? text(header, 157, 100)) : "",
    attributes: { mode: numberIn(header, 100, 8, broken) & 0o7777, mtime: numberIn(header, 136, 12, broken) },
  };
}

const types: { readonly [flag: string]: TarMember["type"] } = {
  "0": "file",
  "\0": "file",
  "5": "directory",
  "2": "link",
};

function text(header: Buffer, at: number, length: number): string {
  const end = header.indexOf(0, at);
  return header.toString("utf8", at, end < 0 || end > at + length ? at + length : end);
}

function numberIn(header: Buffer, at: number, length: number, broken: Broken): number {
  if (((header[at] ?? 0) & 0x80) !== 0) {
    let value = (header[at] ?? 0) & 0x7f;
    for (let i = 1; i < length; i++) value = value * 256 + (header[at + i] ?? 0);
    if (!Number.isSafeInteger(value)) throw broken("a size is out of range");
    return value;
  }
  const value = Number.parseInt(text(header, at, length).trim() || "0", 8);
  if (Number.isNaN(value)) throw broken("a number is none");
  return value;
}

function confined(name: string, broken: Broken): string {
  const path = name.replace(/^(?:\.\/+)+/, "").replace(/\/+$/, "");
  // What `tar c .` begins with.
  if (name === "." || name === "./") return ".";
  if (
    path === "" ||
    path.startsWith("/") ||
    path.split("/").some((part) => part === "" || part === "." || part === "..")
  ) {
    throw broken(`it has a member named ${JSON.stringify(name)}`);
  }
  return path;
}

function brokenStream(what: string): PgrescueError {
  return new PgrescueError("external-failure", `the server's tar stream is broken: ${what}`);
}

/** A stream of chunks as a source for tarMembers. */
export function readerOf(chunks: AsyncIterable<Uint8Array>): ReadBytes {
  const iterator = chunks[Symbol.asyncIterator]();
  let pending: Uint8Array = new Uint8Array();
  return async (into) => {
    while (pending.length === 0) {
      const next = await iterator.next();
      if (next.done === true) return 0;
      pending = next.value;
    }
    const count = Math.min(into.length, pending.length);
    into.set(pending.subarray(0, count));
    pending = pending.subarray(count);
    return count;
  };
}
