import { PgrescueError } from "../../../domain/errors.ts";
import type { FileAttributes } from "../../../ports/repository.ts";

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

/**
 * The members of the tar stream that a server sends (ustar with base-256 sizes, src/port/tar.c). The stream is not trusted:
 * checksums must fit, names must stay inside. Throws `external-failure`.
 */
export async function* tarMembers(source: ReadBytes): AsyncGenerator<TarMember> {
  const header = Buffer.alloc(block);
  for (;;) {
    const filled = await fill(source, header);
    if (filled === 0) return;
    if (filled < block) throw broken("it ends inside a header");
    if (header.every((byte) => byte === 0)) continue;
    const member = parseHeader(header);
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

function parseHeader(header: Buffer): Omit<TarMember, "read"> {
  let sum = 0;
  for (const [at, byte] of header.entries()) sum += at >= 148 && at < 156 ? 32 : byte;
  if (sum !== number(header, 148, 8)) throw broken("a header's checksum is wrong");
  const prefix = text(header, 345, 155);
  const path = confined(prefix === "" ? text(header, 0, 100) : `${prefix}/${text(header, 0, 100)}`);
  const type = types[String.fromCharCode(header[156] ?? 0)];
  if (type === undefined) throw broken(`${path} is of type ${JSON.stringify(String.fromCharCode(header[156] ?? 0))}`);
  return {
    type,
    path,
    size: type === "file" ? number(header, 124, 12) : 0,
    target: type === "link" ? text(header, 157, 100) : "",
    attributes: { mode: number(header, 100, 8) & 0o7777, mtime: number(header, 136, 12) },
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

function number(header: Buffer, at: number, length: number): number {
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

function confined(name: string): string {
  const path = name.replace(/^(?:\.\/)+/, "").replace(/\/+$/, "");
  if (
    path === "" ||
    path.startsWith("/") ||
    path.split("/").some((part) => part === "" || part === "." || part === "..")
  ) {
    throw broken(`it has a member named ${JSON.stringify(name)}`);
  }
  return path;
}

function broken(what: string): PgrescueError {
  return new PgrescueError("external-failure", `the server's tar stream is broken: ${what}`);
}
