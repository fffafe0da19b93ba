import { PgrescueError } from "../../../domain/errors.ts";

/** What stands in front of a member of a tar archive. */
export interface TarMember {
  readonly path: string;
  readonly type: "file" | "directory" | "link";
  readonly size: number;
  readonly mode: number;
  /** Whole seconds since 1970. */
  readonly mtime: number;
  readonly link?: string;
}

const tarBlock = 512;

/** The end of a tar archive. */
export const tarEnd = new Uint8Array(2 * tarBlock);

const typeFlags = { file: "0", link: "2", directory: "5", extended: "x" } as const;

/** The largest size that eleven octal digits hold, 8 GiB - 1. */
const largestOctal = 0o77777777777;

/**
 * The ustar header of a member (POSIX pax interchange format), with an extended header before it where the name, the
 * link or the size does not fit. Throws `bug` for a path that is not relative.
 */
export function tarHeader(member: TarMember): Uint8Array {
  const path = member.type === "directory" ? `${member.path}/` : member.path;
  if (path.startsWith("/") || path.includes("\0") || member.path.split("/").includes(".."))
    throw new PgrescueError("bug", `${JSON.stringify(path)} is no path for an archive`);
  const name = splitName(path);
  const link = member.link ?? "";
  const records = [
    ...(name === null ? [record("path", path)] : []),
    ...(Buffer.byteLength(link) > 100 ? [record("linkpath", link)] : []),
    ...(member.size > largestOctal ? [record("size", String(member.size))] : []),
  ];
  const header = block({
    name: name ?? { prefix: "", name: path },
    type: typeFlags[member.type],
    size: member.size > largestOctal ? 0 : member.size,
    mode: member.mode,
    mtime: member.mtime,
    link,
  });
  if (records.length === 0) return header;
  const content = Buffer.concat(records);
  const extended = block({
    name: { prefix: "", name: "PaxHeaders/member" },
    type: typeFlags.extended,
    size: content.length,
    mode: 0o600,
    mtime: member.mtime,
    link: "",
  });
  return Buffer.concat([extended, content, new Uint8Array(paddingOf(content.length)), header]);
}

/** Zero bytes that follow `size` bytes of content up to the next block. */
export function paddingOf(size: number): number {
  return (tarBlock - (size % tarBlock)) % tarBlock;
}

interface Name {
  readonly prefix: string;
  readonly name: string;
}

/** A path in the two name fields; null when it does not fit. */
function splitName(path: string): Name | null {
  if (Buffer.byteLength(path) <= 100) return { prefix: "", name: path };
  for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1)) {
    const [prefix, name] = [path.slice(0, slash), path.slice(slash + 1)];
    if (name !== "" && Buffer.byteLength(name) <= 100 && Buffer.byteLength(prefix) <= 155) return { prefix, name };
  }
  return null;
}

/** One record of an extended header: its own length in decimal, a blank, key=value, a newline. */
function record(key: string, value: string): Uint8Array {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  return Buffer.from(`${length} ${key}=${value}\n`);
}

function block(fields: {
  readonly name: Name;
  readonly type: string;
  readonly size: number;
  readonly mode: number;
  readonly mtime: number;
  readonly link: string;
}): Uint8Array {
  const header = Buffer.alloc(tarBlock);
  header.write(fields.name.name, 0, 100);
  header.write(octal(fields.mode & 0o7777, 8), 100);
  // Owner and group go by name: stock tar, run as root, then gives the files to the database's usual user.
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(fields.size, 12), 124);
  header.write(octal(Math.max(0, Math.min(fields.mtime, largestOctal)), 12), 136);
  header.write("        ", 148);
  header.write(fields.type, 156);
  header.write(fields.link, 157, 100);
  header.write("ustar\x0000", 257);
  header.write("postgres", 265);
  header.write("postgres", 297);
  header.write(octal(0, 8), 329);
  header.write(octal(0, 8), 337);
  header.write(fields.name.prefix, 345, 155);
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

function octal(value: number, width: number): string {
  return `${Math.trunc(value)
    .toString(8)
    .padStart(width - 1, "0")}\0`;
}
