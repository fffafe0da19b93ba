import { PgrescueError } from "../../../domain/errors.ts";
import type { HashedObject, StoredObject } from "./hashed-object.ts";
import { compressFrame, decompressFrames } from "./zstd-frames.ts";

/** A member of an archive. A file's first byte is at `offset` of the content of frame `frame`; the rest follows without a gap. */
export type IndexMember =
  | {
      readonly type: "file";
      readonly path: string;
      readonly size: number;
      readonly mode: number;
      readonly mtime: number;
      readonly frame: number;
      readonly offset: number;
    }
  | { readonly type: "directory"; readonly path: string; readonly mode: number; readonly mtime: number }
  | {
      readonly type: "link";
      readonly path: string;
      readonly target: string;
      readonly mode: number;
      readonly mtime: number;
    };

/** One frame of an archive: where it lies in the object and what it must be. */
export interface IndexFrame {
  readonly number: number;
  readonly offset: number;
  readonly length: number;
  /** Of the content. */
  readonly bytes: number;
  /** Of the stored bytes. */
  readonly sha256: string;
}

/** A frame with the members whose headers stand in it. */
export interface IndexEntry {
  readonly frame: IndexFrame;
  readonly members: readonly IndexMember[];
}

/** The content of an index's own frames, at the least, except for the last. */
const chunkSize = 256 * 1024;

/** Larger contents of a frame are not ours, and are refused before memory is given to them. */
const largestFrame = 64 * 1024 * 1024;

/** Writes an index as it grows: first the members that begin in a frame, then the frame, one JSON document a line. */
export function indexWriter(object: HashedObject): {
  add(entry: IndexEntry): Promise<void>;
  finish(): Promise<StoredObject>;
} {
  let lines: string[] = [];
  let length = 0;

  async function flush(): Promise<void> {
    if (length === 0) return;
    const text = Buffer.from(lines.join(""));
    [lines, length] = [[], 0];
    await object.write(await compressFrame(text, 3));
  }

  return {
    add: async ({ frame, members }) => {
      for (const line of [...members.map(memberLine), frameLine(frame)]) {
        lines.push(line);
        length += line.length;
      }
      if (length >= chunkSize) await flush();
    },
    finish: async () => {
      await flush();
      return object.commit();
    },
  };
}

function memberLine(member: IndexMember): string {
  const mode = member.mode.toString(8);
  const { path, mtime } = member;
  if (member.type === "file")
    return `${JSON.stringify({ file: path, size: member.size, mode, mtime, frame: member.frame, offset: member.offset })}\n`;
  if (member.type === "link") return `${JSON.stringify({ link: path, target: member.target, mode, mtime })}\n`;
  return `${JSON.stringify({ directory: path, mode, mtime })}\n`;
}

function frameLine({ number, offset, length, bytes, sha256 }: IndexFrame): string {
  return `${JSON.stringify({ frame: number, offset, length, bytes, sha256 })}\n`;
}

/** Reads an index, a frame of the archive at a time. Throws `damaged-data` where it does not hold together. */
export async function* readIndex(chunks: AsyncIterable<Uint8Array>, what: string): AsyncIterable<IndexEntry> {
  let members: IndexMember[] = [];
  let [number, offset] = [0, 0];
  for await (const line of linesOf(decompressFrames(chunks, what))) {
    const decoded = decodeLine(line);
    if (decoded === null)
      throw new PgrescueError("damaged-data", `${what} holds the line ${JSON.stringify(line.slice(0, 200))}`);
    if ("type" in decoded) {
      if (decoded.type === "file" && decoded.frame !== number)
        throw new PgrescueError("damaged-data", `${what} lists ${decoded.path} out of order`);
      members.push(decoded);
    } else {
      if (decoded.number !== number || decoded.offset !== offset)
        throw new PgrescueError("damaged-data", `${what} lists frame ${decoded.number} out of order`);
      yield { frame: decoded, members };
      members = [];
      number++;
      offset += decoded.length;
    }
  }
  if (members.length > 0) throw new PgrescueError("damaged-data", `${what} ends before its last frame`);
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  // Frames end at line ends, but nothing needs to rely on it.
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}

function decodeLine(line: string): IndexMember | IndexFrame | null {
  const fields = parse(line);
  if (fields === null) return null;
  if (typeof fields["sha256"] === "string") {
    const [number, offset, length, bytes] = [fields["frame"], fields["offset"], fields["length"], fields["bytes"]];
    if (
      !isCount(number) ||
      !isCount(offset) ||
      !isCount(length) ||
      !isCount(bytes) ||
      bytes > largestFrame ||
      length > 2 * largestFrame
    )
      return null;
    return { number, offset, length, bytes, sha256: fields["sha256"] };
  }
  const { mtime } = fields as { mtime?: unknown };
  const mode =
    typeof fields["mode"] === "string" && /^[0-7]{1,4}$/.test(fields["mode"])
      ? Number.parseInt(fields["mode"], 8)
      : null;
  if (mode === null || typeof mtime !== "number") return null;
  if (typeof fields["directory"] === "string") return { type: "directory", path: fields["directory"], mode, mtime };
  if (typeof fields["link"] === "string" && typeof fields["target"] === "string")
    return { type: "link", path: fields["link"], target: fields["target"], mode, mtime };
  const [size, frame, offset] = [fields["size"], fields["frame"], fields["offset"]];
  if (typeof fields["file"] !== "string" || !isCount(size) || !isCount(frame) || !isCount(offset)) return null;
  return { type: "file", path: fields["file"], size, mode, mtime, frame, offset };
}

function parse(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
